"""Quantiles of the load six hours ahead, with the pinball loss."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import load_curve, seed_all

PAST, AHEAD = 48, 6
LEVELS = torch.tensor([0.1, 0.5, 0.9])


class QuantileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(PAST, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.GELU())
        self.head = nn.Linear(64, len(LEVELS))

    def forward(self, x):
        return self.head(self.body(x))


def pinball(pred, y):
    error = y.unsqueeze(1) - pred
    return torch.maximum(LEVELS * error, (LEVELS - 1) * error).mean()


def main():
    seed_all()
    load = torch.from_numpy(load_curve())
    cut = 7000
    load = (load - load[:cut].mean()) / load[:cut].std()
    tr, va = load[:cut].unfold(0, PAST + AHEAD, 1), load[cut:].unfold(0, PAST + AHEAD, 1)
    loader = DataLoader(TensorDataset(tr[:, :PAST].contiguous(), tr[:, -1].contiguous()), batch_size=64, shuffle=True)
    xv, yv = va[:, :PAST].contiguous(), va[:, -1].contiguous()
    base = pinball(torch.quantile(tr[:, -1], LEVELS).expand(len(yv), -1), yv).item()
    net = QuantileNet()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 15)
    for epoch in range(15):
        net.train()
        total = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = pinball(net(x), y)
            loss.backward()
            opt.step()
            total += loss.item()
        sched.step()
        net.eval()
        with torch.no_grad():
            pred = net(xv)
        val = pinball(pred, yv).item()
        cover = ((yv > pred[:, 0]) & (yv < pred[:, 2])).float().mean().item()
        print(f"epoch {epoch + 1}: train {total / len(loader):.4f} val {val:.4f} (constant {base:.4f}) coverage {cover:.3f}")
    print(f"final val_pinball {val:.4f}")


main()
