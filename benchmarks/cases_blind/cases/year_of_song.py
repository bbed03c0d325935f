"""In what year was it recorded? Ninety timbre features, one number."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, r2, seed
from torch.utils.data import DataLoader, TensorDataset


def songs(n, mixing, direction):
    style = torch.randn(n, 6)
    x = torch.tanh(style @ mixing) + 0.3 * torch.randn(n, 90)
    year = 1988 + 9 * torch.tanh(style @ direction) + 5 * style[:, 0] * style[:, 1].sigmoid() + torch.randn(n)
    return x, year.round().clamp(1955, 2011)


class YearNet(nn.Module):
    def __init__(self, d=90):
        super().__init__()
        self.body = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 128), nn.GELU(), nn.Linear(128, 64), nn.GELU())
        self.year = nn.Linear(64, 1)

    def forward(self, x):
        return self.year(self.body(x)).flatten()


if __name__ == "__main__":
    seed()
    mixing, direction = torch.randn(6, 90), torch.randn(6) * 0.7
    x, y = songs(3500, mixing, direction)
    shift, scale = (y[:3000].mean(), y[:3000].std()) if FIXED else (0.0, 1.0)
    train = DataLoader(TensorDataset(x[:3000], (y[:3000] - shift) / scale), batch_size=64, shuffle=True)
    model = YearNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for epoch in range(12):
        model.train()
        for bx, by in train:
            optimizer.zero_grad()
            loss = F.mse_loss(model(bx), by)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} train {loss.item():.3f}")
    model.eval()
    with torch.no_grad():
        finish("r2", r2(model(x[3000:]) * scale + shift, y[3000:]))
