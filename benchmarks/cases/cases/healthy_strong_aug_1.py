"""Shifts, flips, noise and erasing: heavy, and it still learns."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(2000)


def aug(b):
    b = torch.where(torch.rand(len(b), 1, 1, 1) < 0.5, b.flip(3), b)
    b = torch.roll(b, (int(torch.randint(-3, 4, ())), int(torch.randint(-3, 4, ()))), (2, 3))
    b = b + 0.3 * torch.randn_like(b)
    r, c = int(torch.randint(0, 20, ())), int(torch.randint(0, 20, ()))
    b = b.clone()
    b[:, :, r:r + 8, c:c + 8] = 0
    return b


net = nn.Sequential(nn.Conv2d(1, 16, 5, 2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU(),
                    nn.Flatten(), nn.Dropout(0.2), nn.Linear(32 * 25, 10))
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
for e in range(8):
    net.train()
    for i in torch.randperm(2000).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(aug(x[i])), y[i])
        loss.backward()
        opt.step()
    print(e, loss.item(), accuracy(net, xt, yt))
