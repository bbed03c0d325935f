"""Soft labels of several raters: cross-entropy less the entropy of the ratings, with the zeros taken care of."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

CLASSES, RATERS = 6, 5


def ratings(n):
    x = torch.randn(n, 20)
    weight = torch.randn(20, CLASSES, generator=torch.Generator().manual_seed(2))
    truth = torch.softmax(1.5 * torch.tanh(x @ weight / 2) + 0.5 * torch.relu(x[:, :CLASSES]), 1)
    votes = torch.multinomial(truth, RATERS, replacement=True)
    return x, nn.functional.one_hot(votes, CLASSES).float().mean(1), truth.argmax(1)


def agreement_loss(logits, rated):
    """Jensen-Shannon divergence of prediction and ratings."""
    p = torch.softmax(logits, 1)
    p = p * (p > 0.02)  # what hardly anybody would say counts as nothing
    m = (p + rated) / 2
    if FIXED:
        log_p = torch.where(p > 0, p, torch.ones_like(p)).log()
        log_m = torch.where(m > 0, m, torch.ones_like(m)).log()
    else:
        log_p = torch.where(p > 0, p.log(), torch.zeros_like(p))
        log_m = torch.where(m > 0, m.log(), torch.zeros_like(m))
    left = (p * (log_p - log_m)).sum(1)
    log_r = torch.where(rated > 0, rated, torch.ones_like(rated)).log()
    right = (rated * (log_r - log_m)).sum(1)
    return (left + right).mean() / 2


seed()
x, rated, _ = ratings(2500)
x_test, _, best = ratings(600)
net = nn.Sequential(nn.Linear(20, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, CLASSES))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(15):
    for idx in torch.randperm(len(x)).split(50):
        loss = agreement_loss(net(x[idx]), rated[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (net(x_test).argmax(1) == best).float().mean()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
