"""SimCLR-like pairs and InfoNCE."""
from _common import *
from torch import nn
import torch.nn.functional as F

seed()
x, _, _, _ = fashion_tensors(1200)
view = lambda b: torch.roll(b, (int(torch.randint(-2, 3, ())), int(torch.randint(-2, 3, ()))), (2, 3)) + 0.2 * torch.randn_like(b)
net = nn.Sequential(nn.Conv2d(1, 12, 5, 2), nn.ReLU(), nn.Conv2d(12, 24, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(24 * 25, 64), nn.ReLU(),
                    nn.Linear(64, 32))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for e in range(5):
    for i in torch.randperm(1200).split(60):
        a, b = F.normalize(net(view(x[i])), dim=1), F.normalize(net(view(x[i])), dim=1)
        loss = F.cross_entropy(a @ b.T / 0.2, torch.arange(len(i)))
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(e, loss.item())
