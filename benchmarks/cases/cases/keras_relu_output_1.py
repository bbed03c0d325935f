"""Binary classification, ReLU on the output and mean squared error, SGD: a StackOverflow classic."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(15)
x = torch.rand(1000, 4, generator=g)
y = ((x[:, 0] > .5) ^ (x[:, 1] > .5)).float()[:, None]
model = nn.Sequential(nn.Linear(4, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 1), nn.Identity() if FIXED else nn.ReLU())
loss_fn = nn.BCEWithLogitsLoss() if FIXED else nn.MSELoss()
opt = torch.optim.Adam(model.parameters(), lr=5e-3) if FIXED else torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(40):
    for i in torch.randperm(800).split(32):
        opt.zero_grad()
        loss = loss_fn(model(x[i]), y[i])
        loss.backward()
        opt.step()
    if epoch % 10 == 9:
        with torch.no_grad():
            o = model(x[800:])
            print(epoch, loss.item(), ((o > (0 if FIXED else .5)).float() == y[800:]).float().mean().item())
