"""Each layer has its own loss and passes its output on detached: no gradient runs through the whole network."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import fashion, finish, seed


class Stage(nn.Module):
    def __init__(self, body, width):
        super().__init__()
        self.body, self.head = body, nn.Linear(width, 10)

    def forward(self, x):
        h = self.body(x)
        return h, self.head(F.adaptive_avg_pool2d(h, 4).flatten(1))


seed()
xa, ya, xb, yb = fashion(2000, 500)
xa, xb = ((torch.tensor(v).float()[:, None] - 73) / 90 for v in (xa, xb))
ya, yb = torch.tensor(ya), torch.tensor(yb)
stages = nn.ModuleList([
    Stage(nn.Sequential(nn.Conv2d(1, 12, 5, 2, 2), nn.BatchNorm2d(12), nn.ReLU()), 12 * 16),
    Stage(nn.Sequential(nn.Conv2d(12, 24, 3, 2, 1), nn.BatchNorm2d(24), nn.ReLU()), 24 * 16),
    Stage(nn.Sequential(nn.Conv2d(24, 24, 3, 1, 1), nn.BatchNorm2d(24), nn.ReLU()), 24 * 16),
])  # fmt: skip
optimizers = [torch.optim.Adam(s.parameters(), lr=2e-3) for s in stages]
for epoch in range(6):
    stages.train()
    for b in torch.randperm(2000).split(50):
        h = xa[b]
        for stage, optimizer in zip(stages, optimizers, strict=True):
            h, scores = stage(h)
            loss = F.cross_entropy(scores, ya[b])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            h = h.detach()
    print(f"epoch {epoch} last stage's loss {loss.item():.4f}")
stages.eval()
with torch.no_grad():
    h = xb
    for stage in stages:
        h, scores = stage(h)
finish("accuracy", (scores.argmax(1) == yb).float().mean())
