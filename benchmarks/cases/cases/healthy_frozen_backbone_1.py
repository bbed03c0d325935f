"""A backbone trained on some classes, frozen in eval mode, a new head for the others."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(2000)
backbone = nn.Sequential(nn.Conv2d(1, 16, 5, 2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 24, 3, 2), nn.BatchNorm2d(24), nn.ReLU(), nn.Flatten())
first = nn.Sequential(backbone, nn.Linear(24 * 25, 5))
a, b = y < 5, y >= 5
opt = torch.optim.Adam(first.parameters(), 2e-3)
for e in range(4):
    first.train()
    for i in a.nonzero()[:, 0][torch.randperm(int(a.sum()))].split(40):
        opt.zero_grad()
        nn.functional.cross_entropy(first(x[i]), y[i]).backward()
        opt.step()
backbone.requires_grad_(False).eval()
head = nn.Linear(24 * 25, 5)
second = nn.Sequential(backbone, head)
opt2 = torch.optim.Adam(head.parameters(), 2e-3)
for e in range(6):
    for i in b.nonzero()[:, 0][torch.randperm(int(b.sum()))].split(40):
        loss = nn.functional.cross_entropy(second(x[i]), y[i] - 5)
        opt2.zero_grad()
        loss.backward()
        opt2.step()
    with torch.no_grad():
        k = yt >= 5
        print(e, loss.item(), (second(xt[k]).argmax(1) == yt[k] - 5).float().mean().item())
