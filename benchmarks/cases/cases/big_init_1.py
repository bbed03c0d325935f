"""Weights drawn from a standard normal distribution in a plain CNN."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors()


def init(m):
    if isinstance(m, (nn.Conv2d, nn.Linear)) and not FIXED:
        nn.init.normal_(m.weight, 0, 1)


model = nn.Sequential(nn.Conv2d(1, 16, 3, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2), nn.ReLU(), nn.Flatten(),
                      nn.Linear(32 * 36, 100), nn.ReLU(), nn.Linear(100, 10))
model.apply(init)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(5):
    for i in torch.randperm(len(x)).split(50):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[i]), y[i])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), accuracy(model, xt, yt))
