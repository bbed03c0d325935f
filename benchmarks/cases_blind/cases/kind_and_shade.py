"""One network, two questions: what garment is it, and is it photographed upside down?"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 12, 5, 2), nn.ReLU(), nn.Conv2d(12, 24, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(600, 64), nn.ReLU()
        )
        self.kind = nn.Linear(64, 10)
        self.way = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, x):
        h = self.trunk(x)
        return {"kind": self.kind(h), "way": self.way(h)}


WEIGHTS = {"kind": 1.0, "way" if FIXED else "orientation": 1.0}  # by task


def turn(x):
    down = torch.rand(len(x)) < 0.5
    return torch.where(down[:, None, None, None], x.flip(2), x), down.long()


def losses(out, kind, way):
    return {"kind": F.cross_entropy(out["kind"], kind), "way": F.cross_entropy(out["way"], way)}


seed()
xa, ya, xb, yb = fashion(1800, 500)
xa, da = turn((torch.tensor(xa).float()[:, None] - 73) / 90)
xb, db = turn((torch.tensor(xb).float()[:, None] - 73) / 90)
ya, yb = torch.tensor(ya), torch.tensor(yb)
net = TwoHeads()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(8):
    shown = {"kind": 0.0, "way": 0.0}
    for b in torch.randperm(1800).split(36):
        parts = losses(net(xa[b]), ya[b], da[b])
        total = 0
        for name, value in parts.items():
            total = total + WEIGHTS.get(name, 0) * value
            shown[name] += value.item() / 50
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    print(f"epoch {epoch}", {k: round(v, 4) for k, v in shown.items()})
with torch.no_grad():
    out = net(xb)
right = (out["kind"].argmax(1) == yb) & (out["way"].argmax(1) == db)
finish("both_right", right.float().mean())
