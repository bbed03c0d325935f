"""Hourly load, one hour ahead from the last two days, with a ReLU recurrent network."""
import csv
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

WINDOW = 48


def series():
    with open(SAMPLES / "electricity.csv") as f:
        values = [float(row["y"]) for row in csv.DictReader(f)]
    return torch.tensor(values)


def windows():
    s = series()[:5000]
    cut = 4000
    s = (s - s[:cut].mean()) / s[:cut].std()
    t = torch.arange(len(s)).float()
    feats = torch.stack([s, torch.sin(2 * math.pi * t / 24), torch.cos(2 * math.pi * t / 24)], 1)
    w = feats.unfold(0, WINDOW, 1)[:-1].transpose(1, 2).contiguous()
    y = s[WINDOW:]
    n = cut - WINDOW
    return (w[:n], y[:n]), (w[n:], y[n:])


class LoadRNN(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.rnn = nn.RNN(3, hidden, nonlinearity="relu", batch_first=True)
        self.head = nn.Linear(hidden, 1)
        self.reset()

    def reset(self):
        nn.init.xavier_normal_(self.rnn.weight_ih_l0)
        nn.init.normal_(self.rnn.weight_hh_l0, std=0.1 if FIXED else 0.3)
        nn.init.zeros_(self.rnn.bias_ih_l0)
        nn.init.zeros_(self.rnn.bias_hh_l0)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1]).squeeze(1)


def main():
    seed_all()
    (xt, yt), (xv, yv) = windows()
    loader = DataLoader(TensorDataset(xt, yt), batch_size=64, shuffle=True)
    net = LoadRNN()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    mse = nn.MSELoss()
    for epoch in range(6):
        net.train()
        losses = []
        for xb, yb in loader:
            opt.zero_grad()
            loss = mse(net(xb), yb)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            out = net(xv)
        val = mse(out, yv).item()
        r2 = 1 - val / yv.var(unbiased=False).item()
        print(f"epoch {epoch + 1}: train mse {sum(losses) / len(losses):.4f}  val mse {val:.4f}  r2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
