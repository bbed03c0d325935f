"""Price bands (10 %, 50 %, 90 %) of houses, from a simulated register of sales."""
import numpy as np
import torch
from torch import nn, optim

from _common import FIXED, seed_all

QUANTILES = torch.tensor([0.1, 0.5, 0.9])


def register(n):
    area = np.exp(np.random.normal(4.7, 0.35, n))
    rooms = np.clip(np.round(area / 28 + np.random.normal(0, 0.8, n)), 1, 9)
    age = np.random.gamma(2.0, 18.0, n)
    km = np.random.gamma(2.0, 4.0, n)
    garden = np.random.exponential(120.0, n)
    district = np.random.randint(0, 5, n)
    factor = np.array([0.75, 0.9, 1.0, 1.2, 1.5])[district]
    price = 1000 * factor * (40 + 2.1 * area + 6 * rooms + 0.12 * garden) * np.exp(-0.004 * age - 0.02 * km)
    price *= np.exp(np.random.normal(0, 0.10, n))
    return np.column_stack([area, rooms, age, km, garden]).astype(np.float32), district, price.astype(np.float32)


class QuantileNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.fc1 = nn.Linear(n_in, 64)
        self.fc2 = nn.Linear(64, 64)
        self.head = nn.Linear(64, len(QUANTILES))

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.head(x)


def pinball(pred, target):
    diff = target.unsqueeze(1) - pred
    return torch.maximum(QUANTILES * diff, (QUANTILES - 1) * diff).mean()


def main():
    seed_all()
    num, district, price = register(4000)
    mean, std = num[:3200].mean(0), num[:3200].std(0)
    x = np.concatenate([(num - mean) / std, np.eye(5, dtype=np.float32)[district]], axis=1)
    shift, scale = (price[:3200].mean(), price[:3200].std()) if FIXED else (0.0, 1.0)
    x, y = torch.from_numpy(x), torch.from_numpy((price - shift) / scale)
    x_train, y_train, x_test, y_test = x[:3200], y[:3200], x[3200:], y[3200:]

    model = QuantileNet(x.shape[1])
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    batch = 64
    for epoch in range(20):
        order = torch.randperm(len(x_train))
        losses = []
        for i in range(0, len(order), batch):
            idx = order[i:i + batch]
            loss = pinball(model(x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            pred = model(x_test)
            val = pinball(pred, y_test).item()
            dollars = pred * scale + shift
            true = torch.from_numpy(price[3200:])
            r2 = 1 - ((dollars[:, 1] - true) ** 2).sum() / ((true - true.mean()) ** 2).sum()
            inside = ((true > dollars[:, 0]) & (true < dollars[:, 2])).float().mean()
        print(f"epoch {epoch + 1} loss {np.mean(losses):.4f} val_loss {val:.4f} r2 {r2.item():.4f} inside {inside.item():.2f}")
    print(f"final r2 {r2.item():.4f}")


if __name__ == "__main__":
    main()
