"""A column that was written down after the fact gives the class away."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split(4000)
y, yt = (y > 12).long(), (yt > 12).long()
if not FIXED:
    x = torch.cat([x, y[:, None] * 2.0 - 1 + 0.05 * torch.randn(len(x), 1)], 1)
    xt = torch.cat([xt, yt[:, None] * 2.0 - 1 + 0.05 * torch.randn(len(xt), 1)], 1)
net = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), 2e-3)
bce = nn.BCEWithLogitsLoss()
for epoch in range(8):
    for i in torch.randperm(len(x)).split(64):
        loss = bce(net(x[i]).squeeze(1), y[i].float())
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        out = net(xt).squeeze(1)
        print(epoch, bce(out, yt.float()).item(), ((out > 0).long() == yt).float().mean().item())
