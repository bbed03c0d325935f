"""model.eval() after the first validation and never model.train() again."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1500)
net = nn.Sequential(nn.Conv2d(1, 12, 5, 2), nn.BatchNorm2d(12), nn.ReLU(), nn.Flatten(), nn.Dropout(0.4), nn.Linear(12 * 144, 10))
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)


def validate():
    net.eval()
    with torch.no_grad():
        return (net(xt).argmax(1) == yt).float().mean().item()


net.train()
for epoch in range(6):
    if FIXED:
        net.train()
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item(), validate())
