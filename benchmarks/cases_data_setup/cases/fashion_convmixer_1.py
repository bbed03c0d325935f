"""Clothing images with labels from a pool of annotators, ConvMixer."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

LOOK_ALIKE = np.array([6, 3, 4, 1, 2, 7, 0, 9, 5, 7])
RELIABILITY = [0.95, 0.55, 0.4] if not FIXED else [1.0, 1.0, 1.0]


def annotate(truth):
    """One of three annotators labels each image; some of them mix up similar pieces."""
    rng = np.random.default_rng(3)
    who = rng.integers(0, 3, len(truth))
    sure = rng.random(len(truth)) < np.array(RELIABILITY)[who]
    return np.where(sure, truth, LOOK_ALIKE[truth])


class Residual(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


def conv_mixer(dim=32, depth=3):
    blocks = [nn.Conv2d(1, dim, 4, stride=4), nn.GELU(), nn.BatchNorm2d(dim)]
    for _ in range(depth):
        blocks += [
            Residual(nn.Sequential(nn.Conv2d(dim, dim, 3, padding=1, groups=dim), nn.GELU(), nn.BatchNorm2d(dim))),
            nn.Conv2d(dim, dim, 1), nn.GELU(), nn.BatchNorm2d(dim),
        ]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(dim, 10))


def prepare(images):
    return ((torch.from_numpy(images).float() / 255 - 0.286) / 0.353).unsqueeze(1)


def main():
    seed_all()
    with np.load(SAMPLES / "fashion.npz") as d:
        x, x_val = prepare(d["x_train"][:4000]), prepare(d["x_test"])
        y = torch.from_numpy(annotate(d["y_train"][:4000].astype(np.int64)))
        y_val = torch.from_numpy(d["y_test"].astype(np.int64))
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
    net = conv_mixer()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.01)
    epochs = 8
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(loader))
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for xb, yb in loader:
            loss = F.cross_entropy(net(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(x_val)
        accuracy = (out.argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch + 1} loss {total / len(loader):.4f} val loss {F.cross_entropy(out, y_val).item():.4f} "
              f"accuracy {accuracy:.4f}")
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
