"""Pullover, coat or shirt: depthwise separable convolutions."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

from _common import FIXED, SAMPLES, seed_all

NAMES = {2: "pullover", 4: "coat", 6: "shirt"}


def dataset():
    with np.load(SAMPLES / "fashion.npz") as d:
        x, y = np.concatenate([d["x_train"], d["x_test"]]), np.concatenate([d["y_train"], d["y_test"]])
    keep = np.isin(y, list(NAMES))
    images = (torch.from_numpy(x[keep]).float() / 255 - 0.35) / 0.33
    return TensorDataset(images.unsqueeze(1), torch.from_numpy(np.searchsorted(list(NAMES), y[keep])))


def get_loader(data, part, batch_size=64):
    sizes = [int(0.8 * len(data)), len(data) - int(0.8 * len(data))]
    generator = torch.Generator().manual_seed(42) if FIXED else None
    train, val = random_split(data, sizes, generator=generator)
    if part == "train":
        return DataLoader(train, batch_size=batch_size, shuffle=True)
    return DataLoader(val, batch_size=200)


class Separable(nn.Sequential):
    def __init__(self, cin, cout, stride=1):
        super().__init__(
            nn.Conv2d(cin, cin, 3, stride, 1, groups=cin, bias=False), nn.BatchNorm2d(cin), nn.ReLU6(),
            nn.Conv2d(cin, cout, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU6(),
        )


def mobile_net():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6(),
        Separable(16, 32), Separable(32, 64, 2), Separable(64, 64),
        nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1024, 3),
    )


def main():
    seed_all()
    data = dataset()
    train_loader, val_loader = get_loader(data, "train"), get_loader(data, "val")
    net = mobile_net()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    for epoch in range(6):
        net.train()
        losses, hits = [], 0
        for x, y in train_loader:
            out = net(x)
            loss = criterion(out, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            hits += (out.argmax(1) == y).sum().item()
        net.eval()
        with torch.no_grad():
            outs = [(net(x), y) for x, y in val_loader]
        out, y = torch.cat([o for o, _ in outs]), torch.cat([t for _, t in outs])
        accuracy = (out.argmax(1) == y).float().mean().item()
        print(f"epoch {epoch + 1:2d} train {np.mean(losses):.4f} acc {hits / len(train_loader.dataset):.4f} "
              f"val {criterion(out, y).item():.4f} acc {accuracy:.4f}")
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
