"""Malignant or benign (Wisconsin breast cancer)."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, seed_all, table


class Cells(Dataset):
    def __init__(self, x, y):
        dtype = torch.float32 if FIXED else torch.long
        self.x = torch.tensor(x, dtype=dtype)
        self.y = torch.tensor(y, dtype=torch.long)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Net(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 16), nn.GELU())
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        return self.out(self.body(x.float()))


def evaluate(net, loader, criterion):
    net.eval()
    loss, right, seen = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = net(x)
            loss += criterion(out, y).item() * len(y)
            right += (out.argmax(1) == y).sum().item()
            seen += len(y)
    return loss / seen, right / seen


def main():
    seed_all()
    data = table("breast")
    order = np.random.permutation(len(data["y"]))
    x, y = data["x"][order], data["y"][order]
    low, high = x[:420].min(0), x[:420].max(0)
    x = (x - low) / (high - low)
    train_loader = DataLoader(Cells(x[:420], y[:420]), batch_size=16, shuffle=True)
    test_loader = DataLoader(Cells(x[420:], y[420:]), batch_size=64)
    net = Net(x.shape[1])
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(20):
        net.train()
        for x_batch, y_batch in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(x_batch), y_batch)
            loss.backward()
            optimizer.step()
        train_loss, train_acc = evaluate(net, train_loader, criterion)
        test_loss, test_acc = evaluate(net, test_loader, criterion)
        print(f"Epoch {epoch + 1}/20 loss {train_loss:.4f} acc {train_acc:.4f} val_loss {test_loss:.4f} val_acc {test_acc:.4f}")
    print(f"final accuracy {test_acc:.4f}")


if __name__ == "__main__":
    main()
