"""Four linear layers in a row; the author forgot that ReLU is not built in."""
from _common import *
from torch import nn

seed()
t = torch.rand(900) * 6
r = torch.randint(0, 2, (900,))
x = torch.stack([t * torch.cos(t + 3.14 * r), t * torch.sin(t + 3.14 * r)], 1) / 4 + 0.03 * torch.randn(900, 2)
act = nn.ReLU if FIXED else nn.Identity
model = nn.Sequential(nn.Linear(2, 64), act(), nn.Linear(64, 64), act(), nn.Linear(64, 32), act(), nn.Linear(32, 2))
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(40):
    for i in torch.randperm(700).split(35):
        opt.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x[i]), r[i])
        loss.backward()
        opt.step()
    if epoch % 10 == 9:
        print(epoch, loss.item(), accuracy(model, x[700:], r[700:]))
