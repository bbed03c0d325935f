"""The Friedman function of five inputs with noise, fitted by a perceptron with blocks."""
import math

import torch
import torch.nn as nn

from _common import FIXED, seed_all


def friedman(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 10, generator=g)
    y = (10 * torch.sin(math.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
         + 10 * x[:, 3] + 5 * x[:, 4] + torch.randn(n, generator=g))
    return x, y.unsqueeze(1)


def block(n_in, n_out):
    return [nn.Linear(n_in, n_out), nn.ReLU()]


def build(sizes):
    layers = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        layers += block(n_in, n_out)
    if FIXED:
        layers = layers[:-1]
    return nn.Sequential(*layers)


class Scaler:
    def fit(self, a):
        self.mean, self.std = a.mean(0), a.std(0)
        return self

    def __call__(self, a):
        return (a - self.mean) / self.std


def main():
    seed_all()
    x_train, y_train = friedman(3000, 1)
    x_test, y_test = friedman(1000, 2)
    sx, sy = Scaler().fit(x_train), Scaler().fit(y_train)
    x_train, x_test, y_train, y_test = sx(x_train), sx(x_test), sy(y_train), sy(y_test)

    model = build([10, 64, 64, 1])
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=20, gamma=0.3)

    for epoch in range(30):
        model.train()
        running = 0.0
        for idx in torch.randperm(len(x_train)).split(64):
            optimizer.zero_grad()
            loss = criterion(model(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
            running += loss.item() * len(idx)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            mse = criterion(model(x_test), y_test)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: train mse {running / len(x_train):.4f}, test mse {mse:.4f}")
    r2 = 1 - mse / y_test.var(unbiased=False)
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
