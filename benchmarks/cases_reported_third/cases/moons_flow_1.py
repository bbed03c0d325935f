"""Density of two half moons by a real-valued non-volume-preserving flow."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import seed_all


def moons(n, noise=0.12):
    angle = torch.rand(n) * math.pi
    upper = (torch.rand(n) < 0.5).float()
    x = upper * torch.cos(angle) + (1 - upper) * (1 - torch.cos(angle))
    y = upper * torch.sin(angle) + (1 - upper) * (0.5 - torch.sin(angle))
    return torch.stack([x, y], 1) + noise * torch.randn(n, 2)


class Coupling(nn.Module):
    def __init__(self, keep, hidden=48):
        super().__init__()
        self.keep = keep
        self.net = nn.Sequential(nn.Linear(1, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 2))

    def forward(self, x):
        a, b = x[:, self.keep], x[:, 1 - self.keep]
        scale, shift = self.net(a.unsqueeze(1)).unbind(1)
        scale = 1.5 * torch.tanh(scale)
        b = b * scale.exp() + shift
        out = torch.stack([a, b] if self.keep == 0 else [b, a], dim=1)
        return out, scale


class RealNVP(nn.Module):
    def __init__(self, depth=8):
        super().__init__()
        self.couplings = nn.ModuleList([Coupling(k % 2) for k in range(depth)])

    def log_prob(self, x):
        log_det = x.new_zeros(len(x))
        for coupling in self.couplings:
            x, scale = coupling(x)
            log_det = log_det + scale
        return log_det - 0.5 * (x ** 2).sum(1) - math.log(2 * math.pi)

    def forward(self, x):
        return self.log_prob(x)


def main():
    seed_all()
    train, held = moons(5000), moons(1500)
    mean, std = train.mean(0), train.std(0)
    train, held = (train - mean) / std, (held - mean) / std
    loader = DataLoader(TensorDataset(train), batch_size=128, shuffle=True)
    flow = RealNVP()
    epochs = 22
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=epochs * len(loader))
    for epoch in range(epochs):
        flow.train()
        total = 0.0
        for (x,) in loader:
            loss = -flow(x).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(x)
        flow.eval()
        with torch.no_grad():
            nll = -flow(held).mean().item()
        print(f"epoch {epoch + 1}: train nll {total / len(train):.4f} held-out nll {nll:.4f}")
    print(f"final nll {nll:.4f}")


if __name__ == "__main__":
    main()
