"""Daily sales of small shops: the network predicts their logarithm."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed
from torch.utils.data import DataLoader, Dataset


class Sales(Dataset):
    def __init__(self, features, sales):
        self.features = torch.from_numpy(features)
        with np.errstate(divide="ignore"):
            self.target = torch.from_numpy(np.log1p(sales) if FIXED else np.log(sales))

    def __len__(self):
        return len(self.target)

    def __getitem__(self, i):
        return self.features[i], self.target[i]


def history(n, rng):
    weekday, promo = rng.integers(0, 7, n), rng.random(n) < 0.3
    size, rain, price = rng.normal(size=n), rng.exponential(1, n), rng.normal(size=n)
    rate = np.exp(3.2 + 0.5 * size + 0.5 * promo - 0.15 * rain - 0.3 * price + 0.25 * (weekday > 4))
    sales = rng.poisson(rate)
    sales[rng.random(n) < 0.004] = 0  # holidays
    features = np.column_stack([np.eye(7)[weekday], promo, size, rain, price]).astype(np.float32)
    return features, sales.astype(np.float32)


def main():
    seed()
    x, sales = history(3000, np.random.default_rng(11))
    train, valid = Sales(x[:2400], sales[:2400]), Sales(x[2400:], sales[2400:])
    model = nn.Sequential(nn.Linear(11, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1), nn.Flatten(0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    loader = DataLoader(train, batch_size=64, shuffle=True)
    for epoch in range(20):
        losses = []
        for features, target in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(features), target)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1}: {np.mean(losses):.4f}")
    with torch.no_grad():
        open_days = torch.isfinite(valid.target)
        guess = torch.nan_to_num(model(valid.features)[open_days])
        finish("r2", r2(guess, valid.target[open_days]))


main()
