"""Garments under an augmentation policy."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed

seed()


class Policy:
    """Brightness, shift, cut-out and noise, with their strengths as arguments."""

    def __init__(self, brightness, shift, hole, noise):
        self.brightness, self.shift, self.hole, self.noise = brightness, shift, hole, noise

    def __call__(self, batch):
        out = batch * (1 + self.brightness * (2 * torch.rand(len(batch), 1, 1, 1) - 1))
        for i in range(len(out)):
            dy, dx = torch.randint(-self.shift, self.shift + 1, (2,)).tolist()
            out[i] = torch.roll(out[i], (dy, dx), (1, 2))
            top, left = torch.randint(0, 29 - self.hole, (2,)).tolist()
            out[i, :, top : top + self.hole, left : left + self.hole] = 0
        return out + self.noise * torch.randn_like(out)


augment = Policy(0.1, 1, 4, 0.02) if FIXED else Policy(1.0, 13, 18, 0.8)
a, b, c, d = fashion(2000, 500)
x, xv = (torch.tensor(v).float().unsqueeze(1) / 255 for v in (a, c))
y, yv = torch.tensor(b), torch.tensor(d)
net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
    nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(), nn.Linear(64, 10),
)  # fmt: skip
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(8):
    net.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(50):
        loss = nn.functional.cross_entropy(net(augment(x[idx].clone())), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() / 40
    net.eval()
    with torch.no_grad():
        acc = (net(xv).argmax(1) == yv).float().mean().item()
    print(f"epoch {epoch} train loss {total:.3f} val acc {acc:.3f}")
finish("accuracy", acc)
