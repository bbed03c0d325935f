"""Residual network for time series."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed, series
from torch.utils.data import DataLoader, TensorDataset

seed()


class ResBlock1d(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.a = nn.Conv1d(cin, cout, 7, padding=3)
        self.b = nn.Conv1d(cout, cout, 5, padding=2)
        self.skip = nn.Conv1d(cin, cout, 1) if cin != cout else nn.Identity()

    def forward(self, x):
        return torch.relu(self.b(torch.relu(self.a(x))) + self.skip(x))


net = nn.Sequential(
    ResBlock1d(1, 16), nn.MaxPool1d(2), ResBlock1d(16, 32), nn.MaxPool1d(2), ResBlock1d(32, 32), nn.AdaptiveAvgPool1d(4),
    nn.Flatten(), nn.Linear(128, 2),
)  # fmt: skip

x, y = series("GunPoint", "TEST")
x2, y2 = series("GunPoint", "TRAIN")
x, y, x2, y2 = torch.tensor(x)[:, None], torch.tensor(y), torch.tensor(x2)[:, None], torch.tensor(y2)
train = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)
criterion = nn.CrossEntropyLoss(reduction="mean" if FIXED else "sum")
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(25):
    net.train()
    for xb, yb in train:
        optimizer.zero_grad()
        loss = criterion(net(xb), yb)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        acc = (net(x2).argmax(1) == y2).float().mean().item()
    if epoch % 4 == 0:
        print(f"[{epoch}] loss {loss.item():.4f} accuracy {acc:.3f}")
finish("accuracy", acc)
