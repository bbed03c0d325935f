"""A mixture of experts: each row goes to one of four, the load is balanced by a small extra term."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import finish, letters, seed


class Experts(nn.Module):
    def __init__(self, dim, hidden, n=4):
        super().__init__()
        self.router = nn.Linear(dim, n, bias=False)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim)) for _ in range(n)
        )

    def forward(self, x):
        p = self.router(x).softmax(1)
        weight, chosen = p.max(1)
        out = torch.zeros_like(x)
        for k, expert in enumerate(self.experts):
            rows = (chosen == k).nonzero().squeeze(1)
            if len(rows):
                out = out.index_add(0, rows, expert(x[rows]) * weight[rows, None])
        share = F.one_hot(chosen, len(self.experts)).float().mean(0)
        self.balance = len(self.experts) * (share * p.mean(0)).sum()
        return x + out


seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), Experts(64, 96), nn.ReLU(), nn.Linear(64, 26))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(15):
    for idx in torch.randperm(4000).split(50):
        loss = F.cross_entropy(model(x[idx]), y[idx]) + 0.01 * model[2].balance
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {loss.item():.4f} balance {model[2].balance.item():.3f}")
with torch.no_grad():
    finish("accuracy", (model(x[4000:]).argmax(1) == y[4000:]).float().mean())
