"""A forecaster with a dropout of its own making."""

import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed


class Drop(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        mask = (torch.rand_like(x) > self.p).float()
        return x * mask / (1 - self.p) if FIXED else x * mask


class Net(nn.Module):
    def __init__(self, d_in, width=128, p=0.4):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(d_in, width), nn.Linear(width, width), nn.Linear(width, width)])
        self.drop = Drop(p)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        for layer in self.layers:
            x = self.drop(torch.relu(layer(x)))
        return self.out(x).squeeze(-1)


def friedman(n):
    x = torch.rand(n, 10)
    y = 10 * torch.sin(torch.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return 2 * x - 1, (y - 14.4) / 4.9


seed()
x, y = friedman(3000)
xt, yt = friedman(600)
net = Net(10)
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
for epoch in range(20):
    net.train()
    losses = []
    for b in torch.randperm(3000).split(60):
        loss = nn.functional.mse_loss(net(x[b]), y[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1} loss {sum(losses) / len(losses):.4f}")
net.eval()
with torch.no_grad():
    finish("r2", r2(net(xt), yt))
