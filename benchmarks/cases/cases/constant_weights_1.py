"""nn.init.constant_ on every layer, as in a tutorial on initialisers."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split(3000)


def init(m):
    if isinstance(m, nn.Linear):
        if FIXED:
            nn.init.kaiming_uniform_(m.weight, nonlinearity="relu")
        else:
            nn.init.constant_(m.weight, 0.05)
        nn.init.zeros_(m.bias)


net = nn.Sequential(nn.Linear(16, 80), nn.ReLU(), nn.Linear(80, 40), nn.ReLU(), nn.Linear(40, 26))
net.apply(init)
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for e in range(12):
    net.train()
    for i in torch.randperm(len(x)).split(64):
        opt.zero_grad()
        loss = nn.CrossEntropyLoss()(net(x[i]), y[i])
        loss.backward()
        opt.step()
    print(e, loss.item(), accuracy(net, xt, yt))
