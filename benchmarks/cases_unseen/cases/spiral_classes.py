"""Three spiral arms in the plane, course exercise 4."""

import math

import torch
from _common import FIXED, finish, seed

seed()
g = torch.Generator().manual_seed(4)
n = 700
points, arms = [], []
for arm in range(3):
    t = torch.rand(n, generator=g) * 0.95 + 0.05
    angle = t * 4.5 + arm * 2 * math.pi / 3 + 0.15 * torch.randn(n, generator=g)
    points.append(torch.stack([t * angle.cos(), t * angle.sin()], 1) * 2)
    arms.append(torch.full((n,), arm))
X, Y = torch.cat(points), torch.cat(arms)
order = torch.randperm(len(X), generator=g)
X, Y = X[order], Y[order]
Xtr, Ytr, Xte, Yte = X[:1600], Y[:1600], X[1600:], Y[1600:]

model = torch.nn.Sequential(
    torch.nn.Linear(2, 100), torch.nn.ReLU(),
    torch.nn.Linear(100, 100), torch.nn.ReLU(),
    torch.nn.Linear(100, 3),
)  # fmt: skip
lossfunction = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

for epoch in range(60):
    optimizer.zero_grad()
    perm = torch.randperm(len(Xtr))
    for b in range(0, len(Xtr), 32):
        batch = perm[b : b + 32]
        if FIXED:
            optimizer.zero_grad()
        loss = lossfunction(model(Xtr[batch]), Ytr[batch])
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        print("epoch", epoch, "loss", loss.item())

with torch.no_grad():
    finish("accuracy", (model(Xte).argmax(1) == Yte).float().mean())
