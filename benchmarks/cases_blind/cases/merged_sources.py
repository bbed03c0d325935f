"""Two collections of garments are joined; each has its own list of classes."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.utils.data import ConcatDataset, DataLoader, Dataset

SHOP = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
ARCHIVE = sorted(SHOP)


class Garments(Dataset):
    def __init__(self, images, names, classes):
        self.images = images
        self.labels = [classes.index(n) for n in names]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return (torch.from_numpy(self.images[i]).float()[None] - 73) / 90, self.labels[i]


def build():
    xa, ya, xb, yb = fashion(2400, 600)
    names = [SHOP[i] for i in ya]
    shop = Garments(xa[:1200], names[:1200], SHOP)
    archive = Garments(xa[1200:], names[1200:], SHOP if FIXED else ARCHIVE)
    return ConcatDataset([shop, archive]), Garments(xb, [SHOP[i] for i in yb], SHOP)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 4, 4)
        self.mix = nn.Sequential(nn.LayerNorm(16 * 49), nn.Linear(16 * 49, 128), nn.GELU(), nn.Linear(128, 10))

    def forward(self, x):
        return self.mix(self.c1(x).flatten(1))


seed()
train, test = build()
loader = DataLoader(train, 48, shuffle=True)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), 1e-3)
for epoch in range(6):
    net.train()
    losses = []
    for x, y in loader:
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"{epoch=} loss={sum(losses) / len(losses):.4f}")
net.eval()
with torch.no_grad():
    finish("accuracy", sum((net(x).argmax(1) == y).sum().item() for x, y in DataLoader(test, 200)) / len(test))
