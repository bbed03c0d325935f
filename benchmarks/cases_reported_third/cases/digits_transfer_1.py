"""Transfer: a network that knows the digits 0 to 5 is taught the digits 6 to 9, with its body frozen."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from _common import FIXED, seed_all, table


class ConvNet(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 24, 3, padding=1)
        self.conv2 = nn.Conv2d(24, 48, 3, padding=1)
        self.fc1 = nn.Linear(48 * 4 * 4, 64)
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc(x)


def fit(model, optimizer, train, test, epochs, name):
    x, y = train
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            out = model(test[0])
            acc = (out.argmax(1) == test[1]).float().mean().item()
            val = F.cross_entropy(out, test[1]).item()
        print(f"{name} epoch {epoch + 1}: loss {total / len(x):.4f} val {val:.4f} acc {acc:.4f}")
    return acc


def main():
    seed_all()
    data = table("digits")
    order = np.random.permutation(len(data["y"]))
    x = torch.from_numpy(data["x"][order].astype(np.float32))[:, None]
    y = torch.from_numpy(data["y"][order])
    x = (x - x.mean()) / x.std()
    cut = 1350
    old, new = y < 6, y >= 6
    first = torch.arange(len(y)) < cut

    model = ConvNet(6)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    fit(model, optimizer, (x[old & first], y[old & first]), (x[old & ~first], y[old & ~first]), 6, "old digits")

    for p in model.parameters():
        p.requires_grad_(False)
    if FIXED:
        model.fc = nn.Linear(64, 4)
        optimizer = torch.optim.Adam(model.fc.parameters(), lr=5e-3)
    else:
        model.fc.requires_grad_(True)
        optimizer = torch.optim.Adam(model.fc.parameters(), lr=5e-3)
        model.fc = nn.Linear(64, 4)
    acc = fit(model, optimizer, (x[new & first], y[new & first] - 6), (x[new & ~first], y[new & ~first] - 6), 25, "new digits")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
