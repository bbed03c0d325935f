"""Learn features on five kinds of clothing, freeze them, and fit a new head on the other five."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import SAMPLES, seed_all

SOURCE, TARGET = [0, 1, 5, 6, 9], [2, 3, 4, 7, 8]


def subset(split, classes):
    with np.load(SAMPLES / "fashion.npz") as d:
        x, y = d[f"x_{split}"], d[f"y_{split}"]
    keep = np.isin(y, classes)
    x = (torch.from_numpy(x[keep]).float() / 255 - 0.286) / 0.353
    return TensorDataset(x.unsqueeze(1), torch.from_numpy(np.searchsorted(classes, y[keep])))


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        )

    def forward(self, x):
        return self.net(x)


def fit(backbone, head, train, val, epochs, lr, frozen):
    loader = DataLoader(train, batch_size=64, shuffle=True)
    parameters = list(head.parameters()) + ([] if frozen else list(backbone.parameters()))
    optimizer = torch.optim.Adam(parameters, lr=lr)
    for epoch in range(epochs):
        head.train()
        backbone.train(not frozen)
        losses = []
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(head(backbone(x)), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        head.eval()
        backbone.eval()
        x, y = val.tensors
        with torch.no_grad():
            out = head(backbone(x))
        accuracy = (out.argmax(1) == y).float().mean().item()
        print(f"epoch {epoch + 1} train {np.mean(losses):.4f} val {F.cross_entropy(out, y).item():.4f} acc {accuracy:.4f}")
    return accuracy


def main():
    seed_all()
    backbone = Backbone()
    print("source classes")
    fit(backbone, nn.Linear(192, 5), subset("train", SOURCE), subset("test", SOURCE), 4, 1e-3, frozen=False)
    for parameter in backbone.parameters():
        parameter.requires_grad_(False)
    print("target classes")
    head = nn.Sequential(nn.Dropout(0.1), nn.Linear(192, 5))
    accuracy = fit(backbone, head, subset("train", TARGET), subset("test", TARGET), 6, 3e-3, frozen=True)
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
