"""Calls per hour at a help desk (simulated): Poisson likelihood summed over the batch, with a rate of learning to match."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import seed_all


def record(n):
    day, hour = np.random.randint(0, 7, n), np.random.randint(0, 24, n)
    rain, price = np.random.rand(n), np.random.randn(n)
    log_rate = 1.0 + 0.9 * np.sin((hour - 8) / 24 * 2 * np.pi) - 0.5 * (day >= 5) + 0.4 * rain * (hour > 12) + 0.15 * price
    return day, hour, np.column_stack([rain - 0.5, price]).astype(np.float32), np.random.poisson(np.exp(log_rate)).astype(np.float32)


class Rate(nn.Module):
    def __init__(self, mean, hidden=32):
        super().__init__()
        self.day, self.hour = nn.Embedding(7, 3), nn.Embedding(24, 5)
        self.net = nn.Sequential(nn.Linear(10, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        nn.init.constant_(self.net[-1].bias, float(np.log(mean)))

    def forward(self, day, hour, rest):
        return self.net(torch.cat([self.day(day), self.hour(hour), rest], 1)).squeeze(1)


def deviance(log_rate, y):
    return 2 * (torch.xlogy(y, y.clamp(min=1)) - y * log_rate - y + log_rate.exp()).mean().item()


def main():
    seed_all()
    day, hour, rest, y = (torch.from_numpy(a) for a in record(7000))
    loader = DataLoader(TensorDataset(day[:5500], hour[:5500], rest[:5500], y[:5500]), batch_size=50, shuffle=True)
    likelihood = nn.PoissonNLLLoss(log_input=True, reduction="sum")
    net = Rate(y[:5500].mean().item())
    opt = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-3)
    baseline = deviance(y[:5500].mean().log().expand(1500), y[5500:])
    for epoch in range(15):
        net.train()
        total = 0.0
        for d, h, r, yb in loader:
            opt.zero_grad()
            loss = likelihood(net(d, h, r), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            explained = 1 - deviance(net(day[5500:], hour[5500:], rest[5500:]), y[5500:]) / baseline
        print(f"epoch {epoch + 1}: train nll {total / 5500:.4f} per hour, held-out deviance explained {explained:.4f}")
    print(f"final deviance_explained {explained:.4f}")


if __name__ == "__main__":
    main()
