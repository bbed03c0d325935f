"""Load of the next hour from the calendar and the last day, with a plain network."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, load, r2, seed

RATE = 0.02 if FIXED else 1.0


def windows():
    series = torch.from_numpy(load())[:4000]
    series = (series - series[:3000].mean()) / series[:3000].std()
    x, y = [], []
    for t in range(24, len(series)):
        hour, day = 2 * math.pi * (t % 24) / 24, 2 * math.pi * (t % 168) / 168
        clock = torch.tensor([math.sin(hour), math.cos(hour), math.sin(day), math.cos(day)])
        x.append(torch.cat([series[t - 24 : t], clock]))
        y.append(series[t])
    return torch.stack(x), torch.stack(y).unsqueeze(1)


class Net(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.hidden1 = nn.Linear(inputs, 64)
        self.hidden2 = nn.Linear(64, 64)
        self.out = nn.Linear(64, 1)

    def forward(self, x):
        x = torch.relu(self.hidden1(x))
        x = torch.relu(self.hidden2(x))
        return self.out(x)


def main():
    seed()
    x, y = windows()
    x_train, y_train, x_test, y_test = x[:3000], y[:3000], x[3000:], y[3000:]
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
    net = Net(x.shape[1])
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9)
    for epoch in range(14):
        net.train()
        running = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(net(inputs), targets)
            loss.backward()
            optimizer.step()
            running += loss.item()
        net.eval()
        with torch.no_grad():
            score = r2(net(x_test), y_test)
        print(f"epoch {epoch} train loss {running / len(loader):.4f} test r2 {score:.4f}")
    finish("r2", score)


if __name__ == "__main__":
    main()
