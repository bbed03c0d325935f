"""Generative adversarial network for a bent cloud of points."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from _common import seed_all


def banana(n):
    a = np.random.randn(n)
    b = 0.6 * (a ** 2 - 1) + 0.35 * np.random.randn(n)
    return torch.from_numpy(np.column_stack([a, b]).astype(np.float32))


def generator(noise=4, h=64):
    return nn.Sequential(nn.Linear(noise, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, 2))


def discriminator(h=64):
    return nn.Sequential(nn.Linear(2, h), nn.LeakyReLU(0.2), nn.Linear(h, h), nn.LeakyReLU(0.2), nn.Linear(h, 1))


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main():
    seed_all()
    train, held = banana(4000), banana(1500)
    g, d = generator(), discriminator()
    og = torch.optim.Adam(g.parameters(), lr=1e-3, betas=(0.0, 0.99))
    od = torch.optim.Adam(d.parameters(), lr=2e-3, betas=(0.0, 0.99))
    fades = [torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.05, total_iters=40) for o in (og, od)]
    for epoch in range(40):
        g.train(), d.train()
        ld, lg = [], []
        for idx in torch.randperm(len(train)).split(80):
            real = train[idx].requires_grad_()
            fake = g(torch.randn(len(idx), 4))
            score = d(real)
            slope, = torch.autograd.grad(score.sum(), real, create_graph=True)
            loss = F.softplus(-score).mean() + F.softplus(d(fake.detach())).mean() + 0.02 * slope.square().sum(1).mean()
            od.zero_grad()
            loss.backward()
            od.step()
            ld.append(loss.item())
            loss = F.softplus(-d(fake)).mean()
            og.zero_grad()
            loss.backward()
            og.step()
            lg.append(loss.item())
        for fade in fades:
            fade.step()
        g.eval()
        with torch.no_grad():
            dist = energy_distance(g(torch.randn(1500, 4)), held)
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1}: loss of the critic {np.mean(ld):.4f}, of the generator {np.mean(lg):.4f}, energy distance {dist:.4f}")
    print(f"final energy_distance {dist:.4f}")


if __name__ == "__main__":
    main()
