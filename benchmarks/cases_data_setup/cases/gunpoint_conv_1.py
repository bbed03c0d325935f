"""Motion curves, gun or finger: one-dimensional convolutions with one logit."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


def read_ts(path):
    series, classes = [], []
    body = path.read_text().split("@data")[1].strip().splitlines()
    for line in body:
        values, label = line.rsplit(":", 1)
        series.append([float(v) for v in values.split(",")])
        classes.append(float(label))
    return np.array(series, dtype=np.float32), np.array(classes, dtype=np.float32)


class ConvNet(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.conv1 = nn.Conv1d(1, channels, 9, stride=2, padding=4)
        self.bn1 = nn.BatchNorm1d(channels)
        self.conv2 = nn.Conv1d(channels, channels, 7, stride=2, padding=3)
        self.bn2 = nn.BatchNorm1d(channels)
        self.drop = nn.Dropout(0.2)
        self.pool = nn.AdaptiveAvgPool1d(6)
        self.head = nn.Linear(6 * channels, 1)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x.unsqueeze(1))))
        x = torch.relu(self.bn2(self.conv2(x)))
        return self.head(self.drop(self.pool(x).flatten(1))).squeeze(1)


def accuracy(logits, y):
    return ((logits > 0) == (y == y.max())).float().mean().item()


if __name__ == "__main__":
    seed_all()
    parts = [read_ts(SAMPLES / f"GunPoint_{name}.ts") for name in ("TRAIN", "TEST")]
    x, y = (torch.from_numpy(np.concatenate(a)) for a in zip(*parts))
    if FIXED:
        y = y - 1
    order = torch.randperm(len(x))
    train, val = order[:130], order[130:]
    loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=16, shuffle=True)
    net = ConvNet()
    loss_fn = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=1e-4)
    for epoch in range(40):
        net.train()
        losses = []
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_fn(net(xb), yb)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            out = net(x[val])
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1} train {np.mean(losses):.4f} val {loss_fn(out, y[val]).item():.4f} "
                  f"accuracy {accuracy(out, y[val]):.4f}")
    print(f"final accuracy {accuracy(out, y[val]):.4f}")
