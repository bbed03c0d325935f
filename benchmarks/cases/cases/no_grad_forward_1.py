"""The backbone runs under no_grad although it is meant to be fine-tuned, and its parameters are in the optimiser."""
from _common import *
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 16, 5, 2), nn.ReLU(), nn.Conv2d(16, 32, 5, 2), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(512, 10)

    def forward(self, x):
        if FIXED:
            return self.head(self.body(x))
        with torch.no_grad():
            f = self.body(x)
        return self.head(f)


seed()
x, y, xt, yt = fashion_tensors()
net = Net()
opt = torch.optim.AdamW(net.parameters(), 1e-3)
for epoch in range(5):
    for i in torch.randperm(len(x)).split(50):
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
