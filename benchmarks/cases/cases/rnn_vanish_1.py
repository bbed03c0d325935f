"""A tanh network twelve layers deep with small weights and plain SGD."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split()
layers = [nn.Linear(16, 48), nn.Tanh()]
for _ in range(11):
    layers += [nn.Linear(48, 48), nn.Tanh()]
layers.append(nn.Linear(48, 26))
mlp = nn.Sequential(*layers)
for m in mlp:
    if isinstance(m, nn.Linear):
        if FIXED:
            nn.init.xavier_normal_(m.weight, gain=5 / 3)
        else:
            nn.init.normal_(m.weight, std=0.05)
        nn.init.zeros_(m.bias)
opt = torch.optim.SGD(mlp.parameters(), lr=0.03, momentum=0.9)
for epoch in range(6):
    for idx in torch.randperm(len(x)).split(64):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(mlp(x[idx]), y[idx])
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(mlp, xt, yt))
