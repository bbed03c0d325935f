"""A frozen backbone with a new head, as in transfer learning."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors()
backbone = nn.Sequential(nn.Conv2d(1, 32, 5, 2), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 64, 5, 2), nn.BatchNorm2d(64), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(3), nn.Flatten())
pre = nn.Sequential(backbone, nn.Linear(64 * 9, 5))
opt = torch.optim.Adam(pre.parameters(), 1e-3)
for _ in range(2):
    for i in torch.randperm(len(x)).split(50):
        opt.zero_grad()
        nn.functional.cross_entropy(pre(x[i]), y[i] % 5).backward()
        opt.step()
for p in backbone.parameters():
    p.requires_grad = False
backbone.eval()
model = nn.Sequential(backbone, nn.Linear(64 * 9, 10))
head = torch.optim.Adam(model[1].parameters(), 2e-3)
for epoch in range(6):
    for i in torch.randperm(len(x)).split(50):
        head.zero_grad()
        loss = nn.functional.cross_entropy(model(x[i]), y[i])
        loss.backward()
        head.step()
    with torch.no_grad():
        print(epoch, loss.item(), (model(xt).argmax(1) == yt).float().mean().item())
