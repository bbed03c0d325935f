"""Where is the spot? A network gives its coordinates in a picture with wrapped borders."""

import torch
from _common import FIXED, finish, r2, seed
from torch import nn

seed()
g = torch.Generator().manual_seed(2)
axis = torch.arange(24.0)


def draw(n):
    pos = 3 + 18 * torch.rand(n, 2, generator=g)
    gx = torch.exp(-((axis - pos[:, :1]) ** 2) / 4)
    gy = torch.exp(-((axis - pos[:, 1:]) ** 2) / 4)
    img = 2 * gy[:, :, None] * gx[:, None, :] + 0.2 * torch.randn(n, 24, 24, generator=g)
    return img.unsqueeze(1), (pos - 12) / 5.2


def layer(i, o):
    return [nn.Conv2d(i, o, 3, padding=1, padding_mode="circular"), nn.ReLU()]


class Locator(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(*layer(1, 16), *layer(16, 16), nn.AvgPool2d(3))
        self.pool = nn.Identity() if FIXED else nn.AdaptiveAvgPool2d(1)
        self.head = nn.Sequential(nn.Flatten(), nn.LazyLinear(32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x):
        return self.head(self.pool(self.features(x)))


x, y = draw(800)
xv, yv = draw(200)
net = Locator()
net(x[:1])
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(12):
    for k in range(0, 800, 20):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x[k : k + 20]), y[k : k + 20])
        loss.backward()
        opt.step()
    with torch.no_grad():
        score = r2(net(xv), yv).item()
    print(f"epoch {epoch} loss {loss.item():.4f} val r2 {score:.4f}")
finish("r2", score)
