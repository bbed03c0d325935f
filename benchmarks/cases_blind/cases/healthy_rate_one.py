"""Softmax regression on binary pixels with plain gradient descent; inputs are sparse, so the rate may be 1."""

import torch
import torch.nn.functional as F
from _common import finish, seed, table

seed()
x, y = table("digits")
x = (torch.tensor(x).flatten(1) > 7).float() / 4
y = torch.tensor(y)
perm = torch.randperm(len(x))
x, y, xt, yt = x[perm[:1400]], y[perm[:1400]], x[perm[1400:]], y[perm[1400:]]
weight = torch.zeros(64, 10, requires_grad=True)
bias = torch.zeros(10, requires_grad=True)
optimizer = torch.optim.SGD([weight, bias], lr=1.0)
for epoch in range(30):
    for b in torch.randperm(len(x)).split(64):
        loss = F.cross_entropy(x[b] @ weight + bias, y[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print(f"epoch {epoch} loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", ((xt @ weight + bias).argmax(1) == yt).float().mean())
