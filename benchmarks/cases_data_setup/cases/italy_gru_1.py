"""Italian power demand, winter or summer: GRU over the 24 hours of a day."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


def read_ts(name):
    lines = (SAMPLES / name).read_text().split("@data")[1].split()
    rows = [line.rsplit(":", 1) for line in lines]
    x = np.array([[float(v) for v in row[0].split(",")] for row in rows], dtype=np.float32)
    return x, np.array([int(row[1]) - 1 for row in rows])


class DayClassifier(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.input_norm = nn.LayerNorm(24 if FIXED else 1)
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2))

    def forward(self, x):
        if FIXED:
            x = self.input_norm(x).unsqueeze(2)
        else:
            x = self.input_norm(x.unsqueeze(2))
        _, last = self.gru(x)
        return self.head(last[0])


def evaluate(net, x, y, criterion):
    net.eval()
    with torch.no_grad():
        out = net(x)
    return criterion(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    seed_all()
    parts = [read_ts(f"ItalyPowerDemand_{k}.ts") for k in ("TRAIN", "TEST")]
    x, y = (torch.from_numpy(np.concatenate(p)) for p in zip(*parts))
    order = torch.randperm(len(x))
    train, val = order[:750], order[750:]
    loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=32, shuffle=True)
    net = DayClassifier()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(15):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        val_loss, val_acc = evaluate(net, x[val], y[val], criterion)
        print(f"epoch {epoch + 1:2d} train {total / len(loader):.4f} val {val_loss:.4f} acc {val_acc:.4f}")
    print(f"final accuracy {val_acc:.4f}")


if __name__ == "__main__":
    main()
