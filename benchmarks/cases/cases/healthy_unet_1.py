"""Segmentation with a small U-Net and Dice plus cross-entropy."""
from _common import *
from torch import nn

seed()
a, _, b, _ = fashion(600, 200)
prepare = lambda a: (torch.tensor(a)[:, None].float() / 255 - 0.286) / 0.353
mask = lambda a: (torch.tensor(a)[:, None] > 60).float()
x, y, xt, yt = prepare(a) + 0.3 * torch.randn(600, 1, 28, 28), mask(a), prepare(b), mask(b)


class Up(nn.Module):
    def __init__(self):
        super().__init__()
        conv = lambda i, o: nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())
        self.a, self.b, self.c = conv(1, 8), conv(8, 16), conv(24, 8)
        self.pool, self.up, self.out = nn.MaxPool2d(2), nn.Upsample(scale_factor=2), nn.Conv2d(8, 1, 1)

    def forward(self, x):
        a = self.a(x)
        return self.out(self.c(torch.cat([a, self.up(self.b(self.pool(a)))], 1)))


def loss_of(z, t):
    p = torch.sigmoid(z)
    dice = 1 - (2 * (p * t).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + t.sum((1, 2, 3)) + 1)
    return nn.functional.binary_cross_entropy_with_logits(z, t) + dice.mean()


net = Up()
opt = torch.optim.AdamW(net.parameters(), 3e-3)
for epoch in range(4):
    net.train()
    for i in torch.randperm(600).split(20):
        loss = loss_of(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, loss.item(), loss_of(net(xt), yt).item())
