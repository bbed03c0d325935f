"""In which direction does it drive? Eight frames, a 3d convolution."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed


def clips(n):
    direction = torch.randint(0, 2, (n,))
    speed = 0.8 + torch.rand(n)
    x0 = 8 + 2 * torch.randn(n) - (2 * direction - 1) * speed * 3.5
    y0 = 2 + 12 * torch.rand(n)
    t = torch.arange(8.0)
    at = x0[:, None] + (2 * direction - 1)[:, None] * speed[:, None] * t
    grid = torch.arange(16.0)
    across = torch.exp(-((grid - at[..., None]) ** 2) / 3)
    down = torch.exp(-((grid - y0[:, None]) ** 2) / 3)
    video = across[:, :, None, :] * down[:, None, :, None]
    return video[:, None] + 0.1 * torch.randn(n, 1, 8, 16, 16), direction


def augment(video):
    flip = torch.rand(len(video)) < 0.5
    if not FIXED:
        video = torch.where(flip[:, None, None, None, None], video.flip(-1), video)
    else:
        video = torch.where(flip[:, None, None, None, None], video.flip(-2), video)
    return video + 0.05 * torch.randn_like(video)


class Net3d(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv3d(1, 8, (3, 5, 5), stride=(1, 2, 2), padding=(0, 2, 2))
        self.b = nn.Conv3d(8, 16, (3, 5, 5), stride=(1, 2, 2), padding=(0, 2, 2))
        self.c = nn.Linear(16, 2)

    def forward(self, v):
        v = F.leaky_relu(self.b(F.leaky_relu(self.a(v), 0.1)), 0.1)
        return self.c(v.amax((2, 3, 4)))


seed()
video, direction = clips(600)
video_test, direction_test = clips(200)
net = Net3d()
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
for epoch in range(8):
    net.train()
    for b in torch.randperm(600).split(30):
        loss = F.cross_entropy(net(augment(video[b])), direction[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, round(loss.item(), 4))
net.eval()
with torch.no_grad():
    finish("accuracy", (net(video_test).argmax(1) == direction_test).float().mean())
