"""Winter or summer half-year from a day's electricity demand (24 hours)."""
import torch
from torch import nn

from _common import FIXED, SAMPLES, seed_all


def read_ts(path):
    x, y = [], []
    for line in open(path):
        if line[0] in "#@" or not line.strip():
            continue
        values, label = line.strip().split(":")
        x.append([float(v) for v in values.split(",")])
        y.append(float(label))
    return torch.tensor(x), torch.tensor(y)


def load():
    x_a, y_a = read_ts(SAMPLES / "ItalyPowerDemand_TRAIN.ts")
    x_b, y_b = read_ts(SAMPLES / "ItalyPowerDemand_TEST.ts")
    x, y = torch.cat([x_a, x_b]), torch.cat([y_a, y_b])
    if FIXED:
        y = y - 1
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(2))
    return x[order], y[order]


class DemandNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(24, 32), nn.Tanh(), nn.Linear(32, 16), nn.Tanh())
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        return self.out(self.layers(x)).squeeze(-1)


def main():
    seed_all()
    x, y = load()
    x_train, y_train, x_test, y_test = x[:800], y[:800], x[800:], y[800:]
    mean, std = x_train.mean(0), x_train.std(0)
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    net = DemandNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(20):
        net.train()
        epoch_loss = 0.0
        for idx in torch.randperm(800).split(32):
            optimizer.zero_grad()
            loss = criterion(net(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(idx) / 800
        net.eval()
        with torch.no_grad():
            pred = (net(x_test) > 0).float()
            acc = (pred == y_test).float().mean().item()
        print(f"epoch {epoch + 1}: loss {epoch_loss:.4f} test accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
