"""Progression of diabetes after one year, with a wide network."""
import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, r2, seed, table

EPOCHS = 250


class Regressor(nn.Module):
    def __init__(self, inputs, width=256):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(inputs, width), nn.ReLU(),
            nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, 1),
        )

    def forward(self, x):
        return self.net(x)


def data():
    x, y = (torch.from_numpy(a).float() for a in table("diabetes"))
    y = y.unsqueeze(1)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(4))
    x, y = x[order], y[order]
    x = (x - x[:220].mean(0)) / x[:220].std(0)
    y = (y - y[:220].mean()) / y[:220].std()
    return (x[:220], y[:220]), (x[220:300], y[220:300]), (x[300:], y[300:])


def main():
    seed()
    train, val, test = data()
    loader = DataLoader(TensorDataset(*train), batch_size=16, shuffle=True)
    net = Regressor(10)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    best, best_state = float("inf"), None
    for epoch in range(EPOCHS):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            val_loss = criterion(net(val[0]), val[1]).item()
        if val_loss < best:
            best, best_state, best_epoch = val_loss, copy.deepcopy(net.state_dict()), epoch
        if epoch % 10 == 0:
            print(f"epoch {epoch} train {total / len(loader):.4f} val {val_loss:.4f} best {best:.4f}")
        if FIXED and epoch - best_epoch > 15:
            net.load_state_dict(best_state)
            break
    net.eval()
    with torch.no_grad():
        finish("r2", r2(net(test[0]), test[1]))


if __name__ == "__main__":
    main()
