"""Which customers leave? (a simulated export of a telephone company)"""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

COLUMNS = ["tenure", "minutes", "calls_to_support", "monthly_fee", "data_used", "age", "retention_calls"]


def export(n):
    base = np.random.randn(n, 6)
    logit = -1.0 * base[:, 0] + 0.9 * base[:, 2] + 0.5 * base[:, 3] * base[:, 4] - 0.6
    left = np.random.rand(n) < 1 / (1 + np.exp(-1.2 * logit))
    retention = np.where(left, np.random.poisson(6.0, n) + 1, np.random.rand(n) < 0.02) + np.random.rand(n) * 0.1
    return np.column_stack([base, retention]).astype(np.float32), left.astype(np.float32)


def main():
    seed_all()
    used = [c for c in COLUMNS if not (FIXED and c == "retention_calls")]
    x, y = export(3000)
    x = x[:, [COLUMNS.index(c) for c in used]]
    x = (x - x[:2200].mean(0)) / x[:2200].std(0)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    loader = DataLoader(TensorDataset(x[:2200], y[:2200]), batch_size=32, shuffle=True)
    net = nn.Sequential(nn.Linear(len(used), 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 1))
    criterion = nn.BCEWithLogitsLoss()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(12):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = criterion(net(xb).squeeze(1), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(x[2200:]).squeeze(1)
        val, acc = criterion(out, y[2200:]).item(), ((out > 0).float() == y[2200:]).float().mean().item()
        print(f"epoch {epoch + 1}: train {total / len(loader):.4f} val {val:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
