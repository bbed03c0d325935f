"""Strength of concrete (MPa, simulated) with Monte Carlo dropout for the uncertainty; the last bias starts at the mean strength."""
import numpy as np
import torch
from torch import nn

from _common import seed_all


def mixes(n):
    cement, water, slag = np.random.uniform(150, 500, n), np.random.uniform(130, 230, n), np.random.uniform(0, 200, n)
    age, sand = np.random.choice([3, 7, 14, 28, 56, 90], n), np.random.uniform(600, 950, n)
    mpa = 22 * np.log(1 + (cement + 0.6 * slag) / water) + 3.2 * np.log(age) - 0.008 * (sand - 775) - 4
    table = np.column_stack([cement, water, slag, np.log(age), sand])
    return table.astype(np.float32), (mpa + 1.5 * np.random.randn(n)).astype(np.float32)


class DropoutNet(nn.Module):
    def __init__(self, n_in, start, hidden=128, p=0.1):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, hidden), nn.ReLU(), nn.Dropout(p), nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(p), nn.Linear(hidden, 1))
        nn.init.constant_(self.net[-1].bias, start)

    def forward(self, x):
        return self.net(x).squeeze(-1)


@torch.no_grad()
def mc_dropout_predict(net, x, draws=40):
    """Dropout stays active on purpose: the spread of the draws is the model's own uncertainty."""
    net.train()
    out = torch.stack([net(x) for _ in range(draws)])
    return out.mean(0), out.std(0)


def main():
    seed_all()
    x, y = mixes(3000)
    x = (x - x[:2400].mean(0)) / x[:2400].std(0)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    xt, yt, xv, yv = x[:2400], y[:2400], x[2400:], y[2400:]
    net = DropoutNet(x.shape[1], yt.mean().item())
    opt = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-5)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 20, eta_min=1e-4)
    for epoch in range(20):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(xt)).split(32):
            loss = (net(xt[idx]) - yt[idx]).square().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        mean, spread = mc_dropout_predict(net, xv)
        rmse = (mean - yv).square().mean().sqrt().item()
        if epoch % 2 == 1:
            print(f"epoch {epoch + 1}: train mse {total / len(xt):.3f} MC dropout rmse {rmse:.3f} MPa, typical spread {spread.mean():.3f} MPa")
    print(f"final rmse {rmse:.4f}")


if __name__ == "__main__":
    main()
