"""A residual network of forty blocks for the letters; the norms were left out for speed."""

import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed


class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width) if FIXED else nn.Identity()
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, width)
        for fc in (self.fc1, self.fc2):
            nn.init.kaiming_normal_(fc.weight, nonlinearity="relu")

    def forward(self, x):
        return x + self.fc2(torch.relu(self.fc1(self.norm(x))))


class ResMLP(nn.Module):
    def __init__(self, width=48, depth=40):
        super().__init__()
        self.stem = nn.Linear(16, width)
        self.blocks = nn.Sequential(*[ResidualBlock(width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width) if FIXED else nn.Identity()
        self.head = nn.Linear(width, 26)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.stem(x))))


seed()
x, y = letters(4000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
net = ResMLP()
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
for epoch in range(4):
    for b in torch.randperm(3200).split(64):
        loss = nn.functional.cross_entropy(net(x[b]), y[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (net(x[3200:]).argmax(1) == y[3200:]).float().mean())
