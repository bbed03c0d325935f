"""Validation with dropout still on."""
from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
x, y, xt, yt = letters_split(4000)
net = nn.Sequential(nn.Linear(16, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 26))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
tl, vl = DataLoader(TensorDataset(x, y), 50, shuffle=True), DataLoader(TensorDataset(xt, yt), 200)
for epoch in range(8):
    if FIXED:
        net.train()
    for a, b in tl:
        opt.zero_grad()
        nn.functional.cross_entropy(net(a), b).backward()
        opt.step()
    if FIXED:
        net.eval()
    with torch.no_grad():
        acc = sum((net(a).argmax(1) == b).sum().item() for a, b in vl) / len(xt)
    print("epoch", epoch, "acc", acc)
