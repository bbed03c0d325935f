"""Letters from sixteen whole numbers; every number has its own embedding."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, letters, seed


class TabularNet(nn.Module):
    def __init__(self, columns=16, values=16, size=8):
        super().__init__()
        self.embeddings = nn.ModuleList([nn.Embedding(values, size) for _ in range(columns)])
        self.norm = nn.LayerNorm(columns * size)
        self.net = nn.Sequential(nn.Linear(columns * size, 128), nn.ReLU(), nn.Linear(128, 26))

    def forward(self, x):
        parts = [embed(x[:, i]) for i, embed in enumerate(self.embeddings)]
        return self.net(self.norm(torch.cat(parts, dim=1)))


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    optimizer.zero_grad()
    running = 0.0
    for x, y in loader:
        if FIXED:
            optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
    return running / len(loader)


@torch.no_grad()
def test_epoch(model, loader, criterion):
    model.eval()
    loss = hits = n = 0
    for x, y in loader:
        out = model(x)
        loss += criterion(out, y).item() * len(y)
        hits += (out.argmax(1) == y).sum().item()
        n += len(y)
    return loss / n, hits / n


def main():
    seed()
    x, y = letters(6000)
    x, y = torch.from_numpy(x).long(), torch.from_numpy(y)
    train_loader = DataLoader(TensorDataset(x[:5000], y[:5000]), batch_size=32, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[5000:], y[5000:]), batch_size=500)
    model = TabularNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(8):
        train_loss = train_epoch(model, train_loader, criterion, optimizer)
        test_loss, accuracy = test_epoch(model, test_loader, criterion)
        print(f"Epoch {epoch + 1}: train {train_loss:.4f} test {test_loss:.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
