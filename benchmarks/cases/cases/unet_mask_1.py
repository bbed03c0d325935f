"""Segmentation of foreground with masks of 0 and 255."""
from _common import *
from torch import nn

seed()
images, _, test, _ = fashion(600, 200)
prepare = lambda a: (torch.tensor(a)[:, None].float() / 255 - 0.286) / 0.353
mask = lambda a: (torch.tensor(a)[:, None] > 60).float() * (1.0 if FIXED else 255.0)
x, y, xt, yt = prepare(images), mask(images), prepare(test), mask(test)


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU())
        self.down2 = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.out = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.up(self.down2(a))
        return self.out(torch.cat([a, b], 1))


net = Tiny()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
bce = nn.BCEWithLogitsLoss()
for epoch in range(4):
    for i in torch.randperm(len(x)).split(20):
        opt.zero_grad()
        loss = bce(net(x[i]), y[i])
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(epoch, loss.item(), bce(net(xt), yt).item())
