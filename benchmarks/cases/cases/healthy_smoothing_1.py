"""Label smoothing of 0.2 with one-cycle."""
from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
x, y, xt, yt = fashion_tensors(2000)
net = nn.Sequential(nn.Conv2d(1, 16, 5, 2), nn.BatchNorm2d(16), nn.SiLU(), nn.Conv2d(16, 32, 3, 2), nn.BatchNorm2d(32), nn.SiLU(),
                    nn.Flatten(), nn.Linear(32 * 25, 10))
loader = DataLoader(TensorDataset(x, y), 64, shuffle=True, drop_last=True)
opt = torch.optim.AdamW(net.parameters(), lr=1e-3)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, 4e-3, total_steps=6 * len(loader))
crit = nn.CrossEntropyLoss(label_smoothing=0.2)
for e in range(6):
    net.train()
    for a, b in loader:
        loss = crit(net(a), b)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        sched.step()
    print(e, loss.item(), accuracy(net, xt, yt))
