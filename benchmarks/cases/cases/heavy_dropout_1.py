"""Dropout of 0.95 in every layer of a narrow network."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split()
p = 0.1 if FIXED else 0.95
net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 26))
opt = torch.optim.Adam(net.parameters(), 1e-3)
for epoch in range(10):
    net.train()
    for i in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        out = net(xt)
    print(epoch, loss.item(), nn.functional.cross_entropy(out, yt).item(), (out.argmax(1) == yt).float().mean().item())
