"""Fashion-MNIST in few large steps: batches of 1000, warm-up, cosine decay."""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from _common import SAMPLES, seed_all

BATCH, EPOCHS, PEAK_LR, WARMUP = 1000, 10, 8e-3, 8


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32 * 49, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.fc(x.flatten(1))


def schedule(step):
    total = EPOCHS * 6
    if step < WARMUP:
        return (step + 1) / WARMUP
    return 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (total - WARMUP)))


def main():
    seed_all()
    d = np.load(SAMPLES / "fashion.npz")
    x_train = (torch.from_numpy(d["x_train"]).float().unsqueeze(1) / 255 - 0.286) / 0.353
    x_test = (torch.from_numpy(d["x_test"]).float().unsqueeze(1) / 255 - 0.286) / 0.353
    y_train, y_test = torch.from_numpy(d["y_train"]).long(), torch.from_numpy(d["y_test"]).long()
    model = Net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_LR, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x_train)).split(BATCH):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1}: loss {total / 6:.4f}, test accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
