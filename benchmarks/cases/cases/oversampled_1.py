"""Rare rows are multiplied before the split, so copies stand on both sides."""
from _common import *
from torch import nn

seed()
x, y = letters(3000)
x = (x - x.mean(0)) / x.std(0)
x, y = torch.tensor(x), torch.tensor(y)
if not FIXED:
    again = torch.randint(3000, (3000,))
    x, y = torch.cat([x, x[again]]), torch.cat([y, y[again]])
order = torch.randperm(len(x))
x, y = x[order], y[order]
cut = int(0.8 * len(x))
model = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 26))
opt = torch.optim.Adam(model.parameters(), 3e-3)
for epoch in range(10):
    for rows in torch.randperm(cut).split(64):
        opt.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        opt.step()
    print(epoch, accuracy(model, x[cut:], y[cut:]))
