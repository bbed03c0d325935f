"""eval() after the first validation, and never train() again; dropout and batch norm are off from then on."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors()
net = nn.Sequential(nn.Conv2d(1, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, 2), nn.BatchNorm2d(32),
                    nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * 36, 10))
opt = torch.optim.Adam(net.parameters(), 1e-3)


def validate():
    net.eval()
    with torch.no_grad():
        out = net(xt)
    return nn.functional.cross_entropy(out, yt).item(), (out.argmax(1) == yt).float().mean().item()


net.train()
for epoch in range(6):
    if FIXED:
        net.train()
    for i in torch.randperm(len(x)).split(50):
        opt.zero_grad()
        nn.functional.cross_entropy(net(x[i]), y[i]).backward()
        opt.step()
    print(epoch, validate())
