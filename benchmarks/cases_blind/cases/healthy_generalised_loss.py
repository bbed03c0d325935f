"""A quarter of the training labels is known to be wrong; the generalised cross-entropy copes with it."""

import torch
import torch.nn as nn
from _common import fashion, finish, seed


def gce(scores, y, q=0.7):
    p = scores.softmax(1).gather(1, y[:, None])[:, 0]
    return ((1 - p**q) / q).mean()


seed()
xa, ya, xb, yb = fashion(2400, 500)
xa, xb = ((torch.tensor(v).float()[:, None] - 73) / 90 for v in (xa, xb))
ya, yb = torch.tensor(ya), torch.tensor(yb)
wrong = torch.rand(2400) < 0.25
ya = torch.where(wrong, torch.randint(0, 10, (2400,)), ya)  # what the crowd said
net = nn.Sequential(
    nn.Conv2d(1, 12, 5, 2), nn.BatchNorm2d(12), nn.ReLU(), nn.Conv2d(12, 24, 3, 2), nn.BatchNorm2d(24), nn.ReLU(),
    nn.Flatten(), nn.Dropout(0.2), nn.Linear(600, 10),
)  # fmt: skip
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(8):
    net.train()
    for b in torch.randperm(2400).split(60):
        loss = gce(net(xa[b]), ya[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
net.eval()
with torch.no_grad():
    finish("accuracy", (net(xb).argmax(1) == yb).float().mean())
