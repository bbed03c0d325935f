"""Poisson regression: bicycles counted per hour from weather and time of day, with an exposure offset."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import seed_all


def make(n, g):
    hour, temp = torch.rand(n, generator=g) * 24, 12 + 8 * torch.randn(n, generator=g)
    rain = (torch.rand(n, generator=g) < 0.2).float()
    hours_open = 0.5 + torch.rand(n, generator=g)
    log_rate = (0.9 + 0.8 * torch.sin(math.pi * (hour - 6) / 12) - 0.003 * (temp - 20) ** 2 - 0.7 * rain)
    y = torch.poisson(hours_open * log_rate.exp(), generator=g)
    x = torch.stack([torch.sin(hour * math.pi / 12), torch.cos(hour * math.pi / 12), (temp - 12) / 8, (rain - 0.2) / 0.4], 1)
    return x, hours_open.log(), y


class CountNet(nn.Module):
    def __init__(self, mean_rate):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 32), nn.ELU(), nn.Linear(32, 32), nn.ELU())
        self.out = nn.Linear(32, 1)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.constant_(self.out.bias, math.log(mean_rate))

    def forward(self, x, offset):
        return self.out(self.body(x)).squeeze(1) + offset


def deviance(log_mu, y):
    mu = log_mu.exp()
    return 2 * (torch.where(y > 0, y * (y.clamp(min=1).log() - log_mu), torch.zeros_like(y)) - (y - mu)).mean()


def main():
    seed_all()
    g = torch.Generator().manual_seed(31)
    xt, ot, yt = make(6000, g)
    xv, ov, yv = make(1500, g)
    rate = (yt.sum() / ot.exp().sum()).item()
    net = CountNet(rate)
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    loader = DataLoader(TensorDataset(xt, ot, yt), batch_size=64, shuffle=True)
    nll = nn.PoissonNLLLoss(log_input=True)
    null = deviance(ov + math.log(rate), yv).item()
    for epoch in range(12):
        net.train()
        total = 0.0
        for x, o, y in loader:
            opt.zero_grad()
            loss = nll(net(x, o), y)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(xv, ov)
        explained = 1 - deviance(out, yv).item() / null
        print(f"epoch {epoch + 1:2d} train {total / len(loader):.4f} val {nll(out, yv).item():.4f} explained {explained:.4f}")
    print(f"final deviance_explained {explained:.4f}")


if __name__ == "__main__":
    main()
