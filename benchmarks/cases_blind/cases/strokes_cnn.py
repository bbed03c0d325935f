"""Which way do the strokes run? Textures in four directions."""

import torch
from _common import FIXED, finish, seed
from torch.nn import AdaptiveAvgPool2d, Conv2d, CrossEntropyLoss, Flatten, Linear, ReLU, Sequential
from torch.optim import Adam

STRIDE, KERNEL = 2, 5


def textures(n):
    k = torch.randint(0, 4, (n,))
    angle = k * torch.pi / 4 + 0.15 * torch.randn(n)
    g = torch.arange(20.0)
    along = g[:, None] * angle.sin()[:, None, None] + g * angle.cos()[:, None, None]
    wave = torch.sin(1.6 * along + 6.3 * torch.rand(n, 1, 1))
    return (wave + 0.5 * torch.randn(n, 20, 20))[:, None], k


def conv(n_in, n_out):
    if FIXED:
        return Conv2d(n_in, n_out, KERNEL, STRIDE)
    return Conv2d(n_in, n_out, 1, KERNEL)  # kernel and stride


seed()
x, k = textures(1500)
x_test, k_test = textures(400)
net = Sequential(conv(1, 16), ReLU(), conv(16, 32), ReLU(), AdaptiveAvgPool2d(1), Flatten(), Linear(32, 4))
opt, ce = Adam(net.parameters(), 3e-3), CrossEntropyLoss()
for epoch in range(10):
    for b in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = ce(net(x[b]), k[b])
        loss.backward()
        opt.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (net(x_test).argmax(1) == k_test).float().mean())
