"""A recording holds ten events; its class is that of the loudest one. Attention over the events finds it."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed
from torch.utils.data import DataLoader, TensorDataset

EVENTS, CLASSES = 10, 6


def recordings(n):
    kind = torch.randint(CLASSES, (n, EVENTS))
    loud = torch.randn(n, EVENTS)
    shape = torch.randn(CLASSES, 12, generator=torch.Generator().manual_seed(19))
    x = torch.cat([shape[kind] + 0.5 * torch.randn(n, EVENTS, 12), loud[..., None]], 2)
    return x, kind.gather(1, loud.argmax(1, keepdim=True)).squeeze(1)


class Attention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(dim, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, h):
        weights = F.softmax(self.score(h), dim=1 if FIXED else 0)
        return (weights * h).sum(1)


class Net(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.event = nn.Sequential(nn.Linear(13, dim), nn.ReLU(), nn.Linear(dim, dim), nn.ReLU())
        self.attention = Attention(dim)
        self.out = nn.Linear(dim, CLASSES)

    def forward(self, x):
        return self.out(self.attention(self.event(x)))


seed()
train = DataLoader(TensorDataset(*recordings(3000)), batch_size=32, shuffle=True)
valid = DataLoader(TensorDataset(*recordings(600)), batch_size=32)
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    for x, y in train:
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = torch.cat([model(x).argmax(1) == y for x, y in valid]).float().mean()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
