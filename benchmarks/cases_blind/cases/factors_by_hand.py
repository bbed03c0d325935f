"""Factorise a table of ratings with autograd and nothing else."""

import torch
from _common import FIXED, finish, seed

seed()
n, m, k = 120, 90, 4
truth = torch.randn(n, k) @ torch.randn(m, k).T / k**0.5
i, j = torch.randint(0, n, (6000,)), torch.randint(0, m, (6000,))
r = truth[i, j] + 0.1 * torch.randn(6000)
train, test = slice(0, 5000), slice(5000, 6000)

P = (0.3 * torch.randn(n, k)).requires_grad_()
Q = (0.3 * torch.randn(m, k)).requires_grad_()
lr = 1.0

for epoch in range(150):
    order = torch.randperm(5000)
    total = 0.0
    for batch in order.split(250):
        pred = (P[i[train][batch]] * Q[j[train][batch]]).sum(1)
        loss = ((pred - r[train][batch]) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            P -= lr * P.grad
            Q -= lr * Q.grad
            if FIXED:
                P.grad.zero_()
                Q.grad.zero_()
        total += loss.item() / 20
    print(f"epoch {epoch:2d} mse {total:.4f}")

with torch.no_grad():
    err = (P[i[test]] * Q[j[test]]).sum(1) - r[test]
finish("rmse", err.square().mean().sqrt())
