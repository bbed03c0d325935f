"""Handwritten digits, each pixel standardised over the training images."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed, table

seed()
images, labels = table("digits")
images = torch.tensor(images).float().unsqueeze(1)
labels = torch.tensor(labels)
mix = torch.randperm(len(images))
tr, te = mix[:1400], mix[1400:]

mu, sd = images[tr].mean(0, keepdim=True), images[tr].std(0, keepdim=True)
images = (images - mu) / (sd + 1e-3 if FIXED else sd)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dw = nn.Conv2d(c, c, 3, padding=1, groups=c)
        self.pw1, self.pw2 = nn.Conv2d(c, 2 * c, 1), nn.Conv2d(2 * c, c, 1)

    def forward(self, x):
        return x + self.pw2(nn.functional.gelu(self.pw1(self.dw(x))))


model = nn.Sequential(
    nn.Conv2d(1, 24, 2, stride=2), Block(24), Block(24), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(96, 10)
)
optim = torch.optim.Adam(model.parameters(), 2e-3)
for epoch in range(10):
    running = 0.0
    for batch in tr[torch.randperm(len(tr))].split(50):
        optim.zero_grad()
        loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
        loss.backward()
        optim.step()
        running += loss.item() * len(batch)
    print(epoch, running / len(tr))
with torch.no_grad():
    finish("accuracy", (model(images[te]).argmax(1) == labels[te]).float().mean())
