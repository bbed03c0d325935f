"""Transfer: a backbone learns five classes, is frozen with its batch norm, and a new head learns the others."""

import torch
import torch.nn as nn
from _common import fashion, finish, seed

seed()
a, b, c, d = fashion(5000, 1000)
images, labels = torch.tensor(a).float()[:, None] / 255, torch.tensor(b)
test_images, test_labels = torch.tensor(c).float()[:, None] / 255, torch.tensor(d)
OLD, NEW = (0, 2, 4, 6, 9), (1, 3, 5, 7, 8)


def subset(x, y, classes):
    keep = torch.isin(y, torch.tensor(classes))
    table = torch.full((10,), -1)
    table[list(classes)] = torch.arange(5)
    return x[keep], table[y[keep]]


backbone = nn.Sequential(
    nn.Conv2d(1, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
    nn.AdaptiveAvgPool2d(4), nn.Flatten(),
)  # fmt: skip


def fit(model, x, y, params, epochs, lr, before=None):
    optimizer = torch.optim.Adam(params, lr=lr)
    for epoch in range(epochs):
        model.train()
        if before:
            before()
        for idx in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")


x, y = subset(images, labels, OLD)
source = nn.Sequential(backbone, nn.Linear(512, 5))
fit(source, x, y, source.parameters(), 4, 2e-3)

for p in backbone.parameters():
    p.requires_grad = False
x, y = subset(images, labels, NEW)
head = nn.Linear(512, 5)
target = nn.Sequential(backbone, head)
fit(target, x, y, head.parameters(), 6, 3e-3, before=backbone.eval)
target.eval()
xt, yt = subset(test_images, test_labels, NEW)
with torch.no_grad():
    finish("accuracy", (target(xt).argmax(1) == yt).float().mean())
