"""House values from a table of numbers, with a home-made scaler."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed


class Scaler:
    """Subtract the mean and divide by the standard deviation."""

    def fit(self, table):
        axis = 0 if FIXED else None
        self.mean, self.std = table.mean(axis=axis), table.std(axis=axis)
        return self

    def transform(self, table):
        return (table - self.mean) / self.std


def table(n, rng):
    income = rng.gamma(4, 1.0, n)  # tens of thousands
    age = rng.uniform(1, 52, n)
    rooms = rng.normal(5.4, 1.2, n).clip(1)
    population = rng.lognormal(7, 0.7, n)
    occupancy = rng.normal(3.0, 0.5, n).clip(1)
    plot = rng.lognormal(9, 0.6, n)  # square feet
    x = np.stack([income, age, rooms, population, occupancy, plot], 1).astype(np.float32)
    value = 0.45 * income + 0.3 * rooms - 0.8 * occupancy + 0.25 * np.sin(age / 8) + 0.1 * income * (rooms > 5.5)
    value += 0.12 * np.log(plot) + rng.normal(0, 0.25, n)
    y = ((value - value.mean()) / value.std()).astype(np.float32)
    return x, y


if __name__ == "__main__":
    seed()
    x, y = table(4000, np.random.default_rng(7))
    x_train, x_test, y_train, y_test = x[:3000], x[3000:], torch.tensor(y[:3000]), torch.tensor(y[3000:])
    scaler = Scaler().fit(x_train)
    x_train, x_test = (torch.tensor(scaler.transform(part)) for part in (x_train, x_test))
    model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    mse = nn.MSELoss()
    for epoch in range(25):
        for rows in torch.randperm(3000).split(100):
            opt.zero_grad()
            mse(model(x_train[rows]).squeeze(1), y_train[rows]).backward()
            opt.step()
        with torch.no_grad():
            score = r2(model(x_test).squeeze(1), y_test)
        if epoch % 5 == 4:
            print(f"{epoch + 1:3d} r2 {score:.3f}")
    finish("r2", score)
