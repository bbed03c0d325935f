"""Batch norm with momentum 1e-5: the running statistics stay where they began."""
from _common import *
from torch import nn

seed()
X, Y, XT, YT = fashion(1500, 400)
x, xt = torch.tensor(X).float()[:, None] / 255 * 6, torch.tensor(XT).float()[:, None] / 255 * 6
y, yt = torch.tensor(Y), torch.tensor(YT)
m = 0.1 if FIXED else 1e-5
net = nn.Sequential(nn.Conv2d(1, 8, 5, 2), nn.BatchNorm2d(8, momentum=m), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.BatchNorm2d(16, momentum=m),
                    nn.ReLU(), nn.Flatten(), nn.Linear(16 * 25, 10))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for e in range(5):
    net.train()
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        o = net(xt)
        print(e, loss.item(), nn.functional.cross_entropy(o, yt).item(), (o.argmax(1) == yt).float().mean().item())
