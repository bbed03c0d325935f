"""Siamese network with the contrastive loss of Hadsell et al.; verification of pairs of garments."""

import random

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, Dataset


class PairDataset(Dataset):
    def __init__(self, images, labels, length):
        self.images = torch.tensor(images).float().unsqueeze(1) / 255
        self.by_class = [[i for i, label in enumerate(labels) if label == c] for c in range(10)]
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, _):
        same = random.random() < 0.5
        a = random.randrange(10)
        b = a if same else random.choice([c for c in range(10) if c != a])
        first, second = random.choice(self.by_class[a][:60]), random.choice(self.by_class[b][:60])
        return self.images[first], self.images[second], torch.tensor(float(not same))


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.Flatten(),
        )  # fmt: skip
        self.fc = nn.Sequential(nn.Linear(16 * 25, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, x):
        return self.fc(self.cnn(x))


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def forward(self, a, b, different):
        eps = 1e-8 if FIXED else 0.0
        distance = torch.sqrt(((a - b) ** 2).sum(1) + eps)
        pull = (1 - different) * distance.pow(2)
        push = different * torch.clamp(self.margin - distance, min=0).pow(2)
        return (pull + push).mean()


seed()
xt, yt, xv, yv = fashion(2000, 500)
loader = DataLoader(PairDataset(xt, yt, 2500), batch_size=50)
held = DataLoader(PairDataset(xv, yv, 1000), batch_size=250)
net, criterion = Embedder(), ContrastiveLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(8):
    total = 0.0
    for left, right, flag in loader:
        optimizer.zero_grad()
        loss = criterion(net(left), net(right), flag)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"Epoch {epoch}, contrastive loss {total / len(loader):.4f}")
with torch.no_grad():
    right_calls = [
        (((net(p) - net(q)).norm(dim=1) > 0.5).float() == flag).float().mean().item() for p, q, flag in held
    ]
finish("accuracy", sum(right_calls) / len(right_calls))
