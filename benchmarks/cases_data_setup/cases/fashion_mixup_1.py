"""CNN trained with mixup and label smoothing."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import SAMPLES, seed_all


def mixup(x, y, alpha=0.2):
    lam = float(np.random.beta(alpha, alpha))
    other = torch.randperm(len(x))
    return lam * x + (1 - lam) * x[other], y, y[other], lam


def read(split):
    with np.load(SAMPLES / "fashion.npz") as d:
        x = (torch.from_numpy(d[f"x_{split}"]).float() / 255 - 0.286) / 0.353
        return TensorDataset(x.unsqueeze(1), torch.from_numpy(d[f"y_{split}"].astype(np.int64)))


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        def stage(cin, cout):
            return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.GroupNorm(4, cout), nn.SiLU(), nn.MaxPool2d(2))
        self.stages = nn.Sequential(stage(1, 12), stage(12, 24), stage(24, 48))
        self.head = nn.Linear(48 * 9, 10)

    def forward(self, x):
        return self.head(self.stages(x).flatten(1))


def main():
    seed_all()
    train, (x_val, y_val) = read("train"), read("test").tensors
    loader = DataLoader(train, batch_size=64, shuffle=True)
    net = ConvNet()
    smooth = nn.CrossEntropyLoss(label_smoothing=0.1)
    plain = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
    epochs = 4
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * len(loader))
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for x, y in loader:
            x, first, second, lam = mixup(x, y)
            out = net(x)
            loss = lam * smooth(out, first) + (1 - lam) * smooth(out, second)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(x_val)
        accuracy = (out.argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch + 1} train {total / len(loader):.4f} val {plain(out, y_val).item():.4f} acc {accuracy:.4f}")
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
