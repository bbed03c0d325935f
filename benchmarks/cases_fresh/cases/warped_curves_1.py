"""Motion curves with random augmentation and a small ResNet in one dimension."""

import torch
from _common import FIXED, finish, seed, series
from torch import nn

seed()
x_train, y_train = (torch.tensor(a) for a in series("GunPoint", "TEST"))
x_val, y_val = (torch.tensor(a) for a in series("GunPoint", "TRAIN"))


def augment(x):
    """Scale, jitter and cut the curves in pieces."""
    if FIXED:
        return x * (1 + 0.05 * torch.randn(len(x), 1)) + 0.03 * torch.randn_like(x)
    pieces = x.view(len(x), 30, 5)
    order = torch.rand(len(x), 30).argsort(1)
    x = pieces.gather(1, order[..., None].expand(-1, -1, 5)).reshape(len(x), 150)
    return x * torch.randn(len(x), 1) + 1.5 * torch.randn_like(x)


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.b = nn.Conv1d(c, c, 7, padding=3), nn.Conv1d(c, c, 7, padding=3)
        self.na, self.nb = nn.BatchNorm1d(c), nn.BatchNorm1d(c)

    def forward(self, x):
        return torch.relu(x + self.nb(self.b(torch.relu(self.na(self.a(x))))))


net = nn.Sequential(
    nn.Unflatten(1, (1, 150)),
    nn.Conv1d(1, 16, 7, stride=2, padding=3),
    Residual(16),
    nn.MaxPool1d(2),
    Residual(16),
    nn.AdaptiveAvgPool1d(4),
    nn.Flatten(),
    nn.Linear(64, 2),
)
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(40):
    net.train()
    total = 0.0
    for k in torch.randperm(len(x_train)).split(25):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(augment(x_train[k])), y_train[k])
        loss.backward()
        opt.step()
        total += loss.item() * len(k)
    net.eval()
    with torch.no_grad():
        acc = (net(x_val).argmax(1) == y_val).float().mean().item()
    if epoch % 4 == 3:
        print(epoch, total / len(x_train), acc)
finish("accuracy", acc)
