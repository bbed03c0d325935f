"""Layers from scratch with nn.Parameter, for understanding."""

import torch
from _common import FIXED, fashion, finish, seed


class Dense(torch.nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(n_in, n_out) * (n_in**-0.5 if FIXED else 1.0))
        self.bias = torch.nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return x @ self.weight + self.bias


class MLP(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = Dense(784, 128), Dense(128, 64), Dense(64, 10)

    def forward(self, x):
        return self.c(torch.tanh(self.b(torch.tanh(self.a(x)))))


seed()
x, y, xv, yv = fashion(3000, 600)
x, xv = ((torch.tensor(v).reshape(-1, 784) / 255.0 - 0.286) / 0.353 for v in (x, xv))
y, yv = torch.tensor(y), torch.tensor(yv)
model = MLP()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(8):
    for rows in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print("epoch", epoch, "loss", loss.item(), "accuracy", (model(xv).argmax(1) == yv).float().mean().item())
with torch.no_grad():
    finish("accuracy", (model(xv).argmax(1) == yv).float().mean())
