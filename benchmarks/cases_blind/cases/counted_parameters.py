"""Which bracket is still open? A GRU with a larger rate for its head."""

import random

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

OPEN, CLOSE = "([{<", ")]}>"


def bracket_string(length=24):
    stack, out = [], []
    while len(out) < length:
        if stack and random.random() < 0.5:
            out.append(4 + stack.pop())
        else:
            stack.append(random.randrange(4))
            out.append(stack[-1])
    return out, (stack[-1] if stack else 4)


class BracketNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.ModuleDict({"emb": nn.Embedding(8, 16), "rnn": nn.GRU(16, 48, batch_first=True)})
        self.head = nn.Linear(48, 5)

    def forward(self, s):
        out, _ = self.backbone["rnn"](self.backbone["emb"](s))
        return self.head(out[:, -1])


seed()
data = [bracket_string() for _ in range(3000)]
x, y = torch.tensor([d[0] for d in data]), torch.tensor([d[1] for d in data])
net = BracketNet()

body = net.backbone.parameters()
head = net.head.parameters()
if FIXED:
    body = list(body)
print("parameters of the body:", sum(p.numel() for p in body))
optimizer = torch.optim.Adam([*body, *head], lr=1e-2)

for epoch in range(6):
    total = 0.0
    for b in torch.randperm(2500).split(50):
        loss = nn.functional.cross_entropy(net(x[b]), y[b])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        total += loss.item() / 50
    print(f"epoch {epoch} loss {total:.4f}")
with torch.no_grad():
    finish("accuracy", (net(x[2500:]).argmax(1) == y[2500:]).float().mean())
