"""Fine-tuning everything at 1e-5 after a good pretraining: small steps are right here."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split()
net = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 26))
opt = torch.optim.Adam(net.parameters(), 2e-3)
for epoch in range(15):
    for i in torch.randperm(len(x)).split(64):
        opt.zero_grad()
        nn.functional.cross_entropy(net(x[i]), y[i]).backward()
        opt.step()
fine = torch.optim.AdamW(net.parameters(), lr=1e-5)
for epoch in range(3):
    for i in torch.randperm(len(x)).split(64):
        fine.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        fine.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
