"""Samples are streamed from shards through a shuffle buffer, as one does when they don't fit into memory."""

import random

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, IterableDataset


class Shards:
    """One shard for each folder of the archive."""

    def __init__(self, images, labels):
        self.parts = [(images[labels == k], labels[labels == k]) for k in range(10)]

    def __iter__(self):
        for images, labels in self.parts:
            yield from zip(images, labels, strict=True)


class ShuffleBuffer(IterableDataset):
    def __init__(self, source, size):
        self.source, self.size = source, size

    def __iter__(self):
        buffer = []
        for item in self.source:
            buffer.append(item)
            if len(buffer) >= self.size:
                at = random.randrange(len(buffer))
                buffer[at], buffer[-1] = buffer[-1], buffer[at]
                yield buffer.pop()
        random.shuffle(buffer)
        yield from buffer


seed()
xa, ya, xb, yb = fashion(3000, 600)
xa, xb = ((torch.tensor(x).float() / 255 - 0.286).div(0.353).flatten(1) for x in (xa, xb))
stream = ShuffleBuffer(Shards(xa, torch.tensor(ya)), size=3000 if FIXED else 100)
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
for epoch in range(8):
    for x, y in DataLoader(stream, batch_size=32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(xb).argmax(1) == torch.tensor(yb)).float().mean().item()
    print(f"epoch {epoch + 1} last loss {loss.item():.4f} test accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
