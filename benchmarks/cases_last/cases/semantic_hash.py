"""Short binary codes: an encoder's signs are the code, a decoder classifies from it."""

import torch
from _common import FIXED, finish, letters, seed
from torch import nn


class Binary(nn.Module):
    def forward(self, x):
        hard = (x > 0).float() * 2 - 1
        if FIXED:
            soft = torch.tanh(x)
            return soft + (hard - soft).detach()
        return hard


class HashNet(nn.Module):
    def __init__(self, bits=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, bits))
        self.code = Binary()
        self.decoder = nn.Sequential(nn.Linear(bits, 64), nn.ReLU(), nn.Linear(64, 26))

    def forward(self, x):
        return self.decoder(self.code(self.encoder(x)))


seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
net = HashNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=18)
for epoch in range(18):
    losses = []
    for idx in torch.randperm(4000).split(50):
        optimizer.zero_grad()
        loss = criterion(net(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {sum(losses) / len(losses):.4f}")
with torch.no_grad():
    finish("accuracy", (net(x[4000:]).argmax(1) == y[4000:]).float().mean())
