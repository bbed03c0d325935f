"""Two spirals of three turns and a fully connected network, everything in place to save memory."""

import math

import torch
import torch.nn as nn
from _common import FIXED, finish, seed


def spirals(n, noise=0.04):
    label = torch.arange(n) % 2
    r = torch.rand(n).sqrt()
    angle = 3 * math.pi * r + math.pi * label
    return torch.stack([r * angle.cos(), r * angle.sin()], 1) + noise * torch.randn(n, 2), label.float()


def activation():
    return nn.LeakyReLU(inplace=True) if FIXED else nn.LeakyReLU(True)


def make(sizes):
    layers = []
    for i, o in zip(sizes[:-2], sizes[1:-1], strict=True):
        layers += [nn.Linear(i, o), activation()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


seed()
x, y = spirals(1500)
x_test, y_test = spirals(500)
net = make([2, 64, 64, 64, 1])
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(40):
    for idx in torch.randperm(len(x)).split(50):
        loss = nn.functional.binary_cross_entropy_with_logits(net(x[idx]).squeeze(1), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = ((net(x_test).squeeze(1) > 0).float() == y_test).float().mean()
    if epoch % 8 == 7:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f} accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
