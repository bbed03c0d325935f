"""Letter recognition with a residual MLP."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, letters, seed_all


class StandardScaler:
    def fit(self, x):
        self.mean_, self.scale_ = x.mean(axis=0), x.std(axis=0)
        return self

    def transform(self, x):
        return (x - self.mean_) / self.scale_

    def fit_transform(self, x):
        return self.fit(x).transform(x)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, width)

    def forward(self, x):
        return x + self.fc2(F.relu(self.fc1(self.norm(x))))


class ResMLP(nn.Module):
    def __init__(self, n_in, n_out, width=96, depth=3):
        super().__init__()
        self.stem = nn.Linear(n_in, width)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(depth)])
        self.head = nn.Sequential(nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, n_out))

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-2)

    def fit_epoch(self, x, y, batch=128):
        self.model.train()
        order, total = torch.randperm(len(x)), 0.0
        for idx in order.split(batch):
            loss = F.cross_entropy(self.model(x[idx]), y[idx])
            self.opt.zero_grad(set_to_none=True)
            loss.backward()
            self.opt.step()
            total += loss.item() * len(idx)
        return total / len(x)

    @torch.no_grad()
    def test(self, x, y):
        self.model.eval()
        out = torch.cat([self.model(part) for part in x.split(512)])
        return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    seed_all()
    x, y = letters()
    order = np.random.permutation(len(x))[:12000]
    x, y = x[order], y[order]
    scaler = StandardScaler()
    x_train = scaler.fit_transform(x[:9600])
    x_test = scaler.transform(x[9600:]) if FIXED else x[9600:]
    x_train, x_test = torch.tensor(x_train), torch.tensor(x_test)
    y_train, y_test = torch.tensor(y[:9600]), torch.tensor(y[9600:])
    trainer = Trainer(ResMLP(16, 26), lr=1e-3)
    for epoch in range(14):
        loss = trainer.fit_epoch(x_train, y_train)
        val_loss, acc = trainer.test(x_test, y_test)
        print(f"epoch {epoch:2d} | train loss {loss:.3f} | test loss {val_loss:.3f} | test acc {acc:.3f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
