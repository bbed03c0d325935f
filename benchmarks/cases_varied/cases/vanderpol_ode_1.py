"""Neural ODE (Euler steps) learnt from short pieces of van der Pol trajectories."""
import numpy as np
import torch
from torch import nn

from _common import FIXED, seed_all

DT, LENGTH, MU = 0.1, 15, 1.5


def field(z):
    return np.stack([z[:, 1], MU * (1 - z[:, 0] ** 2) * z[:, 1] - z[:, 0]], 1)


def simulate(n, fine=10):
    z, path, h = np.random.uniform(-2.2, 2.2, (n, 2)), [], DT / fine
    for k in range(LENGTH * fine + 1):
        if k % fine == 0:
            path.append(z.copy())
        k1 = field(z)
        k2 = field(z + h / 2 * k1)
        k3 = field(z + h / 2 * k2)
        z = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(z + h * k3))
    return np.stack(path, 1).astype(np.float32)


class Field(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.lift, self.mix, self.drop = nn.Linear(2, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 2)

    def forward(self, z):
        h = self.lift(z)
        if FIXED:
            h = torch.tanh(h)
        h = self.mix(h)
        if FIXED:
            h = torch.tanh(h)
        return self.drop(h)


class EulerODE(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = Field()

    def forward(self, z0, steps):
        path = [z0]
        for _ in range(steps):
            path.append(path[-1] + DT * self.f(path[-1]))
        return torch.stack(path, 1)


def main():
    seed_all()
    train, held = torch.from_numpy(simulate(640)), torch.from_numpy(simulate(200))
    scale = train.reshape(-1, 2).std(0)
    train, held = train / scale, held / scale
    ode = EulerODE()
    opt = torch.optim.Adam(ode.parameters(), lr=3e-3)
    epochs = 50
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs, eta_min=1e-4)
    for epoch in range(epochs):
        ode.train()
        losses = []
        for idx in torch.randperm(len(train)).split(32):
            opt.zero_grad()
            loss = (ode(train[idx, 0], LENGTH) - train[idx]).pow(2).mean()
            loss.backward()
            nn.utils.clip_grad_norm_(ode.parameters(), 5.0)
            opt.step()
            losses.append(loss.item())
        sched.step()
        ode.eval()
        with torch.no_grad():
            err = (ode(held[:, 0], LENGTH) - held).pow(2).mean().item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: train {np.mean(losses):.5f}  held-out {err:.5f}")
    print(f"final mse {err:.5f}")


if __name__ == "__main__":
    main()
