"""Layers written by hand for the letters, initialised after He et al."""

import torch
import torch.nn.functional as F
from _common import FIXED, finish, letters, seed


class Dense:
    def __init__(self, n_in, n_out):
        scale = (2 / n_in) ** 0.5 if FIXED else 2 / n_in
        self.W = (torch.randn(n_in, n_out) * scale).requires_grad_()
        self.b = torch.zeros(n_out, requires_grad=True)

    def __call__(self, x):
        return x @ self.W + self.b

    def parameters(self):
        return [self.W, self.b]


class Network:
    def __init__(self, sizes):
        self.layers = [Dense(a, b) for a, b in zip(sizes, sizes[1:])]

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]


seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
net = Network([16, 100, 100, 100, 100, 100, 100, 26])
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(8):
    for b in torch.randperm(4000).split(40):
        loss = F.cross_entropy(net(x[b]), y[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (net(x[4000:]).argmax(1) == y[4000:]).float().mean())
