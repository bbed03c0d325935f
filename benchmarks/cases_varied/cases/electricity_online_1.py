"""Next hour's load, learnt online: every hour is forecast first, then learnt from, in the order of the year."""
import numpy as np
import torch
from torch import nn

from _common import load_curve, seed_all

LAGS = 24


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.hidden = nn.Linear(LAGS + 2, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, past, clock):
        return self.out(torch.tanh(self.hidden(torch.cat([past, clock], -1)))).squeeze(-1)


def main():
    seed_all()
    load = load_curve()
    first = load[:14 * 24]
    z = torch.from_numpy((load - first.mean()) / first.std())
    hour = torch.arange(len(z)) % 24 * (2 * np.pi / 24)
    clock = torch.stack([hour.sin(), hour.cos()], 1)
    net = Forecaster()
    opt = torch.optim.SGD(net.parameters(), lr=0.01)
    mine, naive = [], []
    for t in range(LAGS, len(z)):
        guess = net(z[t - LAGS:t], clock[t])
        loss = (guess - z[t]) ** 2
        mine.append((guess - z[t]).abs().item())
        naive.append((z[t - 1] - z[t]).abs().item())
        opt.zero_grad()
        loss.backward()
        opt.step()
        if t % 720 == 0:
            print(f"hour {t}: mean absolute error of the last 30 days {np.mean(mine[-720:]):.4f}, persistence {np.mean(naive[-720:]):.4f}")
    ratio = np.mean(mine[-4000:]) / np.mean(naive[-4000:])
    print(f"final mae_against_persistence {ratio:.4f}")


if __name__ == "__main__":
    main()
