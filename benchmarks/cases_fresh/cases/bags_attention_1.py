"""Bags of instances with attention pooling: does any instance of the bag carry the sign?"""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

seed()
g = torch.Generator().manual_seed(6)
direction = torch.randn(10, generator=g)


def bags(n, size=12):
    label = torch.randint(0, 2, (n,), generator=g)
    x = torch.randn(n, size, 10, generator=g)
    where = torch.randint(0, size, (n,), generator=g)
    x[torch.arange(n), where] += label[:, None] * 1.3 * direction
    return x, label.float()


class AttentionMIL(nn.Module):
    def __init__(self, d_in=10, d=32):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(d_in, d), nn.ReLU())
        self.V, self.U, self.w = nn.Linear(d, 16), nn.Linear(d, 16), nn.Linear(16, 1)
        self.classifier = nn.Linear(d, 1)

    def forward(self, bag):
        h = self.embed(bag)
        a = self.w(torch.tanh(self.V(h)) * torch.sigmoid(self.U(h)))
        a = torch.softmax(a, dim=1 if FIXED else 0)
        return self.classifier((a * h).sum(1)).squeeze(-1)


x, y = bags(1000)
xv, yv = bags(300)
net = AttentionMIL()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(25):
    net.train()
    for i in torch.randperm(1000).split(25):
        loss = nn.functional.binary_cross_entropy_with_logits(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        out = torch.cat([net(bag.unsqueeze(0)) for bag in xv])
    acc = ((out > 0).float() == yv).float().mean().item()
    print(f"epoch {epoch:2d} loss {loss.item():.4f} acc {acc:.3f}")
finish("accuracy", acc)
