"""Which item completes the basket? Cosine similarity of the basket's sum and each item."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed

ITEMS, GROUPS = 60, 10


class BasketModel(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.item = nn.Embedding(ITEMS + 1, dim, padding_idx=0)
        self.candidate = nn.Embedding(ITEMS, dim)
        self.scale = nn.Parameter(torch.tensor(10.0))

    def forward(self, basket):
        mean = self.item(basket).sum(1) / (basket > 0).sum(1, keepdim=True).clamp(min=1)
        if FIXED:
            mean = F.normalize(mean, dim=1)
        else:
            mean = mean / mean.norm(dim=1, keepdim=True)
        return self.scale * mean @ F.normalize(self.candidate.weight, dim=1).T


def baskets(n):
    group = torch.randint(0, GROUPS, (n,))
    basket = group[:, None] + GROUPS * torch.randint(0, ITEMS // GROUPS, (n, 5)) + 1
    size = torch.randint(0, 6, (n, 1))  # some come with nothing yet
    size = torch.where(torch.rand(n, 1) < 0.9, size.clamp(min=1), size)
    basket = basket * (torch.arange(5) < size)
    return basket, group + GROUPS * torch.randint(0, ITEMS // GROUPS, (n,)), group


seed()
basket, target, _ = baskets(3000)
model = BasketModel()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    for b in torch.randperm(len(basket)).split(64):
        loss = F.cross_entropy(model(basket[b]), target[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.4f}")
basket, _, group = baskets(1000)
full = (basket > 0).any(1)
with torch.no_grad():
    finish("group_accuracy", (model(basket[full]).argmax(1) % GROUPS == group[full]).float().mean())
