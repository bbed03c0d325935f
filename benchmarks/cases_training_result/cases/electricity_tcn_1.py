"""Temporal convolutional network: load of the next hour."""
import csv

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, seed_all

HISTORY = 48


class HourAhead(Dataset):
    """Pairs of the last HISTORY hours and the hour that follows."""

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values) - HISTORY

    def __getitem__(self, i):
        end = i + HISTORY
        x = self.values[i:end] if FIXED else self.values[i + 1:end + 1]
        return x.unsqueeze(0), self.values[end]


class CausalConv(nn.Module):
    def __init__(self, c_in, c_out, dilation):
        super().__init__()
        self.pad = nn.ConstantPad1d((2 * dilation, 0), 0.0)
        self.conv = nn.Conv1d(c_in, c_out, 3, dilation=dilation)
        self.skip = nn.Conv1d(c_in, c_out, 1)

    def forward(self, x):
        return torch.relu(self.conv(self.pad(x))) + self.skip(x)


class TCN(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.body = nn.Sequential(CausalConv(1, c, 1), CausalConv(c, c, 2), CausalConv(c, c, 4), CausalConv(c, c, 8))
        self.head = nn.Linear(c, 1)

    def forward(self, x):
        return self.head(self.body(x)[:, :, -1]).squeeze(1)


def main():
    seed_all()
    with open(SAMPLES / "electricity.csv") as f:
        s = torch.tensor([float(r["y"]) for r in csv.DictReader(f)])
    # differences against the same hour a week before
    s = s[168:] - s[:-168]
    cut = 5000
    s = (s - s[:cut].mean()) / s[:cut].std()
    train = DataLoader(HourAhead(s[:cut]), batch_size=64, shuffle=True)
    val = DataLoader(HourAhead(s[cut:cut + 2000]), batch_size=500)
    net = TCN()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(6):
        net.train()
        tl = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(x), y)
            loss.backward()
            opt.step()
            tl += loss.item() / len(train)
        net.eval()
        with torch.no_grad():
            pairs = [(net(x), y) for x, y in val]
        out, y = torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs])
        mse = (out - y).pow(2).mean().item()
        r2 = 1 - mse / y.var(unbiased=False).item()
        print(f"epoch {epoch}: train mse {tl:.4f} val mse {mse:.4f} r2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
