"""Accumulation over four small batches under bfloat16 autocast."""
from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
x, y, xt, yt = letters_split(4000)
net = nn.Sequential(nn.Linear(16, 128), nn.GELU(), nn.Linear(128, 64), nn.GELU(), nn.Linear(64, 26))
opt = torch.optim.AdamW(net.parameters(), lr=4e-3)
loader = DataLoader(TensorDataset(x, y), 16, shuffle=True)
for e in range(8):
    net.train()
    for k, (a, b) in enumerate(loader):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(net(a).float(), b) / 4
        loss.backward()
        if (k + 1) % 4 == 0:
            opt.step()
            opt.zero_grad()
    print(e, 4 * loss.item(), accuracy(net, xt, yt))
