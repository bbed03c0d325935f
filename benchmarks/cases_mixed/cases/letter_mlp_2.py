"""Letters with strong dropout."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, letters, seed_all


def make_loaders(rows=6000, held=1500):
    x, y = letters()
    x, y = torch.from_numpy(x[:rows + held]), torch.from_numpy(y[:rows + held])
    x = (x - x[:rows].mean(0)) / x[:rows].std(0)
    return (DataLoader(TensorDataset(x[:rows], y[:rows]), batch_size=64, shuffle=True),
            DataLoader(TensorDataset(x[rows:], y[rows:]), batch_size=500))


class Trainer:
    def __init__(self):
        self.model = nn.Sequential(
            nn.Linear(16, 256), nn.ReLU(), nn.Dropout(0.4),
            nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.4), nn.Linear(128, 26))
        self.loss = nn.CrossEntropyLoss()
        self.opt = torch.optim.Adam(self.model.parameters(), lr=2e-3)

    def fit_epoch(self, loader):
        self.model.train()
        total = 0.0
        for x, y in loader:
            self.opt.zero_grad()
            loss = self.loss(self.model(x), y)
            loss.backward()
            self.opt.step()
            total += loss.item()
        return total / len(loader)

    @torch.no_grad()
    def validate(self, loader):
        if FIXED:
            self.model.eval()
        loss, right, n = 0.0, 0, 0
        for x, y in loader:
            out = self.model(x)
            loss += self.loss(out, y).item() * len(y)
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
        return loss / n, right / n


if __name__ == "__main__":
    seed_all()
    train, val = make_loaders()
    trainer = Trainer()
    for epoch in range(20):
        train_loss = trainer.fit_epoch(train)
        val_loss, acc = trainer.validate(val)
        print(f"epoch {epoch + 1} | train {train_loss:.4f} | val {val_loss:.4f} | acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")
