"""Progress of diabetes after a year."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all, table


class Regressor(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, 24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 1))

    def forward(self, x):
        out = self.net(x)
        return out.squeeze(1) if FIXED else out


def mse(pred, target):
    return torch.mean((pred - target) ** 2)


def r2_score(pred, y):
    pred = pred.reshape(-1)
    return 1 - ((pred - y).square().sum() / (y - y.mean()).square().sum()).item()


def main():
    seed_all()
    d = table("diabetes")
    x, y = torch.from_numpy(d["x"]), torch.from_numpy(d["y"])
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(7))
    x, y = x[order], y[order]
    n = 340
    x = (x - x[:n].mean(0)) / x[:n].std(0)
    y = (y - y[:n].mean()) / y[:n].std()
    loader = DataLoader(TensorDataset(x[:n], y[:n]), batch_size=32, shuffle=True)
    net = Regressor(x.shape[1])
    opt = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=1e-3)
    for epoch in range(25):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = mse(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(yb) / n
        net.eval()
        with torch.no_grad():
            pred = net(x[n:])
        r2 = r2_score(pred, y[n:])
        print(f"epoch {epoch + 1} train mse {total:.4f} val mse {mse(pred, y[n:]).item():.4f} r2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
