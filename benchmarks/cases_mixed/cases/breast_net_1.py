"""Tumours from skewed cell measurements, on a log scale."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, seed_all, table


class Screen(nn.Module):
    def __init__(self, n_in, width=24):
        super().__init__()
        self.first = nn.Linear(n_in, width)
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(0.2)
        self.last = nn.Linear(width, 1)

    def forward(self, x):
        return self.last(self.drop(F.gelu(self.norm(self.first(x))))).squeeze(1)


def prepare():
    d = table("breast")
    x = np.log1p(d["x"]) if FIXED else np.log(d["x"])
    order = np.random.permutation(len(x))
    tr, va = order[:420], order[420:]
    with np.errstate(invalid="ignore"):
        x = (x - x[tr].mean(0)) / x[tr].std(0)
    t = lambda a: torch.tensor(a, dtype=torch.float32)
    return t(x[tr]), t(d["y"][tr]), t(x[va]), t(d["y"][va])


def main():
    seed_all()
    np.seterr(divide="ignore")
    x, y, xv, yv = prepare()
    net = Screen(x.shape[1])
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for epoch in range(16):
        net.train()
        losses = []
        for part in torch.randperm(len(x)).split(32):
            loss = F.binary_cross_entropy_with_logits(net(x[part]), y[part])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            out = net(xv)
            val = F.binary_cross_entropy_with_logits(out, yv).item()
            acc = ((out > 0).float() == yv).float().mean().item()
        print(f"{epoch:3d}  train {np.mean(losses):.4f}  val {val:.4f}  accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


main()
