"""SGD with momentum 0.999 on a forecaster: it swings and never settles."""
from _common import *
from torch import nn

seed()
s = load()
s = (s - s[:6000].mean()) / s[:6000].std()
x, y = windows(s)
x = x[..., 0]
net = nn.Sequential(nn.Linear(24, 64), nn.Tanh(), nn.Linear(64, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9 if FIXED else 0.999)
for epoch in range(8):
    for i in torch.randperm(4000).split(64):
        loss = nn.functional.mse_loss(net(x[i]).squeeze(1), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.mse_loss(net(x[7000:8000]).squeeze(1), y[7000:8000]).item())
