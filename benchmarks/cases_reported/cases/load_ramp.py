"""The change of a town's load from one hour to the next, foretold from the last day's changes."""
import numpy as np
import torch
from torch import nn

from _common import FIXED, finish, load, r2, seed

STEPS = 24


def windows(values):
    xs, ys = [], []
    for start in range(len(values) - STEPS):
        end = start + STEPS
        xs.append(values[start:end])
        ys.append(values[end] if FIXED else values[end - 1])
    return torch.tensor(np.array(xs)).unsqueeze(-1), torch.tensor(np.array(ys)).unsqueeze(-1)


class Ramp(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.out(states[:, -1, :])


def main():
    seed()
    series = load()[:6000]
    change = np.diff(series).astype(np.float32)
    change = (change - change[:4500].mean()) / change[:4500].std()
    x_train, y_train = windows(change[:4500])
    x_test, y_test = windows(change[4500:])

    net = Ramp()
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
    for epoch in range(10):
        net.train()
        order = torch.randperm(len(x_train))
        for i in range(0, len(order), 64):
            pick = order[i : i + 64]
            optimizer.zero_grad()
            loss = loss_fn(net(x_train[pick]), y_train[pick])
            loss.backward()
            optimizer.step()
        scheduler.step()
        net.eval()
        with torch.no_grad():
            prediction = net(x_test)
            test_loss = loss_fn(prediction, y_test)
        print(f"epoch {epoch + 1}: train {loss.item():.4f} test {test_loss.item():.4f} r2 {r2(prediction, y_test):.4f}")
    finish("r2", r2(prediction, y_test))


if __name__ == "__main__":
    main()
