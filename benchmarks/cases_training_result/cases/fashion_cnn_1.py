"""Attributes of garments (several may hold) from small images."""
import math

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

# attribute -> classes of Fashion-MNIST that have it
ATTRIBUTES = {
    "upper body": [0, 2, 3, 4, 6],
    "long sleeves": [2, 4],
    "footwear": [5, 7, 9],
    "covers the ankle": [1, 9],
    "full length": [1, 3],
    "one piece": [0, 2, 3, 4, 6, 8],
}


def load():
    with np.load(SAMPLES / "fashion.npz") as d:
        parts = [(d["x_train"], d["y_train"]), (d["x_test"], d["y_test"])]
    table = torch.zeros(10, len(ATTRIBUTES))
    for j, classes in enumerate(ATTRIBUTES.values()):
        table[classes, j] = 1
    out = []
    for x, y in parts:
        x = torch.from_numpy(x).float().reshape(-1, 1, 28, 28) / 255
        out.append(((x - 0.286) / 0.353, table[torch.from_numpy(y).long()]))
    return out


class Tagger(nn.Module):
    def __init__(self, prior=0.02):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.ReLU(),
        )
        self.classifier = nn.Linear(32 * 16, len(ATTRIBUTES))
        bias = -math.log((1 - prior) / prior)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
                nn.init.constant_(m.bias, 0.0 if FIXED else bias)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


@torch.no_grad()
def validate(net, x, y):
    net.eval()
    out = net(x)
    loss = nn.functional.binary_cross_entropy_with_logits(out, y).item()
    pred = out > 0
    tp = (pred & (y > 0)).sum(0).float()
    f1 = 2 * tp / (pred.sum(0) + y.sum(0)).clamp(min=1)
    return loss, f1.mean().item()


def main():
    seed_all()
    (xt, yt), (xv, yv) = load()
    loader = DataLoader(TensorDataset(xt, yt), batch_size=64, shuffle=True, drop_last=True)
    net = Tagger()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(6):
        net.train()
        total = 0.0
        for xb, yb in loader:
            loss = nn.functional.binary_cross_entropy_with_logits(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        val, f1 = validate(net, xv, yv)
        print(f"epoch {epoch}: bce {total / len(loader):.4f} val bce {val:.4f} macro f1 {f1:.4f}")
    print(f"final macro_f1 {f1:.4f}")


if __name__ == "__main__":
    main()
