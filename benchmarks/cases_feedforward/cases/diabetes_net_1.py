"""Progression of diabetes after a year, from ten measurements."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, TABLES, seed_all

EPOCHS = 15 if FIXED else 300


class Regressor(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_features, 256), nn.ELU(),
            nn.Linear(256, 128), nn.ELU(),
            nn.Linear(128, 1),
        )

    def forward(self, x):
        return self.net(x).squeeze(1)


def load_data():
    d = np.load(TABLES / "diabetes.npz")
    x, y = d["x"].astype(np.float32), d["y"].astype(np.float32)
    rng = np.random.RandomState(42)
    order = rng.permutation(len(y))
    x, y = x[order], y[order]
    n = 330
    x = (x - x[:n].mean(0)) / x[:n].std(0)
    y = (y - y[:n].mean()) / y[:n].std()
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    return (x[:n], y[:n]), (x[n:], y[n:])


def r2_score(y_true, y_pred):
    return (1 - ((y_true - y_pred) ** 2).sum() / ((y_true - y_true.mean()) ** 2).sum()).item()


def main():
    seed_all()
    (x_train, y_train), (x_val, y_val) = load_data()
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
    model = Regressor(x_train.shape[1])
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    for epoch in range(1, EPOCHS + 1):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            train_mse = loss_fn(model(x_train), y_train).item()
            pred = model(x_val)
            val_mse = loss_fn(pred, y_val).item()
        print(f"epoch {epoch:3d} | train mse {train_mse:.3f} | val mse {val_mse:.3f}")
    print(f"final r2 {r2_score(y_val, pred):.4f}")


if __name__ == "__main__":
    main()
