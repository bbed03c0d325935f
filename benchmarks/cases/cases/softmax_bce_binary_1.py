"""A single output through softmax: always one. The classic of binary networks."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(8)
x = torch.randn(800, 6, generator=g)
y = ((x[:, 0] * x[:, 1] + x[:, 2]) > 0).float()[:, None]
last = nn.Sigmoid() if FIXED else nn.Softmax(dim=1)
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1), last)
opt = torch.optim.Adam(model.parameters(), lr=0.003)
for epoch in range(30):
    for i in torch.randperm(640).split(32):
        opt.zero_grad()
        loss = nn.BCELoss()(model(x[i]), y[i])
        loss.backward()
        opt.step()
    if epoch % 10 == 9:
        with torch.no_grad():
            print(epoch, loss.item(), ((model(x[640:]) > .5).float() == y[640:]).float().mean().item())
