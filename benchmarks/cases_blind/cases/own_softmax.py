"""Learning to look up: a memory is read by attention that is written out in full."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed


def softmax(x):
    if FIXED:
        x = x - x.max(-1, keepdim=True).values
    e = torch.exp(x)
    return e / e.sum(-1, keepdim=True)


class Lookup(nn.Module):
    """Keys and values in, one query; the value that belongs to the key most like the query comes out."""

    def __init__(self, d=16, width=48):
        super().__init__()
        self.wq, self.wk = nn.Linear(d, width, bias=False), nn.Linear(d, width, bias=False)
        self.wv, self.wo = nn.Linear(8, width), nn.Linear(width, 8)

    def forward(self, query, keys, values):
        q, k, v = self.wq(query), self.wk(keys), self.wv(values)
        weights = softmax(torch.einsum("bd,bnd->bn", q, k))
        return self.wo(torch.einsum("bn,bnd->bd", weights, v))


def episode(n):
    keys = torch.randn(n, 6, 16) * 4
    value = torch.randint(0, 8, (n, 6))
    which = torch.randint(0, 6, (n,))
    query = keys[torch.arange(n), which] + torch.randn(n, 16)
    return query, keys, nn.functional.one_hot(value, 8).float(), value[torch.arange(n), which]


seed()
model = Lookup()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(1, 401):
    query, keys, values, answer = episode(64)
    loss = nn.functional.cross_entropy(model(query, keys, values), answer)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 80 == 0:
        print(f"step {step} loss {loss.item():.4f}")
with torch.no_grad():
    query, keys, values, answer = episode(1000)
    finish("accuracy", (model(query, keys, values).argmax(1) == answer).float().mean())
