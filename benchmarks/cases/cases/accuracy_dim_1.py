"""The accuracy takes its argmax over the batch."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(2000, 500)
net = nn.Sequential(nn.Conv2d(1, 16, 3, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 36, 10))
opt = torch.optim.Adam(net.parameters(), 1e-3)
for epoch in range(6):
    net.train()
    for i in torch.randperm(len(x)).split(50):
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        right = 0
        for i in torch.arange(len(xt)).split(10):
            out = net(xt[i])
            right += (out.argmax(1 if FIXED else 0) == yt[i]).sum().item()
    print(epoch, loss.item(), right / len(xt))
