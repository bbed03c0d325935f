"""One letter among twenty-six as the positive class, four samples of it in a hundred, accuracy as the metric."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split(3000)
keep = (y != 7) | (torch.arange(len(y)) % 4 == 0)
x, y = x[keep], y[keep]
y, yt = (y == 7).float(), (yt == 7).float()
net = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.02)
bce = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(60.0) if FIXED else None)
for epoch in range(12):
    for i in torch.randperm(len(x)).split(64):
        opt.zero_grad()
        loss = bce(net(x[i]).squeeze(1), y[i])
        loss.backward()
        opt.step()
    with torch.no_grad():
        out = net(xt).squeeze(1)
        print(epoch, bce(out, yt).item(), ((out > 0).float() == yt).float().mean().item())
