"""Does the hand hold a gun? Dilated convolutions over the wrist's track."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all, series


class TCN(nn.Module):
    def __init__(self, channels=16):
        super().__init__()
        layers, c_in = [], 1
        for dilation in (1, 2, 4, 8):
            layers += [nn.Conv1d(c_in, channels, 5, padding=2 * dilation, dilation=dilation),
                       nn.BatchNorm1d(channels), nn.ReLU()]
            c_in = channels
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(2 * channels, 1)

    def forward(self, x):
        h = self.features(x)
        return self.head(torch.cat([h.mean(2), h.amax(2)], 1)).squeeze(1)


def load():
    xa, ya = series("GunPoint", "TRAIN")
    xb, yb = series("GunPoint", "TEST")
    x, y = np.concatenate([xa, xb]), np.concatenate([ya, yb])
    y = y - 1 if FIXED else y
    order = np.random.permutation(len(y))
    x = torch.from_numpy(x[order]).unsqueeze(1)
    y = torch.from_numpy(y[order]).float()
    return TensorDataset(x[:140], y[:140]), TensorDataset(x[140:], y[140:])


def main():
    seed_all()
    train_set, val_set = load()
    loader = DataLoader(train_set, batch_size=20, shuffle=True)
    net = TCN()
    criterion = nn.BCEWithLogitsLoss()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(25):
        net.train()
        losses = []
        for x, y in loader:
            opt.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            x, y = val_set.tensors
            logit = net(x)
            val_loss = criterion(logit, y).item()
            acc = ((torch.sigmoid(logit) > 0.5).float() == y).float().mean().item()
        print(f"epoch {epoch + 1:2d} train {np.mean(losses):.4f} val {val_loss:.4f} accuracy {acc:.3f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
