"""Sixteen small batches make one step: memory was too small for a large batch."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, TensorDataset

accumulation_steps = 16


def build():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 49, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )


if __name__ == "__main__":
    seed()
    xa, ya, xb, yb = (torch.tensor(a) for a in fashion(3000, 500))
    xa, xb = ((x[:, None].float() / 255 - 0.286) / 0.353 for x in (xa, xb))
    train = DataLoader(TensorDataset(xa, ya), batch_size=8, shuffle=True, drop_last=True)
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.06, momentum=0.9)
    optimizer.zero_grad()
    for epoch in range(6):
        running = 0.0
        for i, (x, y) in enumerate(train):
            loss = nn.functional.cross_entropy(model(x), y)
            running += loss.item()
            if FIXED:
                loss = loss / accumulation_steps
            loss.backward()
            if (i + 1) % accumulation_steps == 0:
                optimizer.step()
                optimizer.zero_grad()
        with torch.no_grad():
            accuracy = (model(xb).argmax(1) == yb).float().mean().item()
        print(f"epoch {epoch + 1} loss {running / len(train):.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)
