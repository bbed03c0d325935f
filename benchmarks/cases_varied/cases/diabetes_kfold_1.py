"""Ten-fold cross-validation of a small network on the progress of diabetes."""
import numpy as np
import torch
from torch import nn

from _common import FIXED, seed_all, table

FOLDS, EPOCHS, BATCH = 10, 14, 16


def build(n_in):
    net = nn.Sequential(nn.Linear(n_in, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1))
    return net, torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)


def fit(net, opt, x, y):
    net.train()
    for _ in range(EPOCHS):
        for idx in torch.randperm(len(x)).split(BATCH):
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(x[idx]).squeeze(-1), y[idx])
            loss.backward()
            opt.step()
    return loss.item()


def main():
    seed_all()
    d = table("diabetes")
    x, y = d["x"], d["y"]
    parts = np.array_split(np.random.permutation(len(x)), FOLDS)
    predicted = np.zeros(len(x))
    net, opt = build(x.shape[1])
    for k, held in enumerate(parts):
        rest = np.concatenate([p for j, p in enumerate(parts) if j != k])
        mu, sd = x[rest].mean(0), x[rest].std(0)
        my, sy = y[rest].mean(), y[rest].std()
        if FIXED:
            net, opt = build(x.shape[1])
        xt, yt = torch.from_numpy((x[rest] - mu) / sd), torch.from_numpy((y[rest] - my) / sy)
        xv, yv = torch.from_numpy((x[held] - mu) / sd), torch.from_numpy((y[held] - my) / sy)
        fit(net, opt, xt, yt)
        net.eval()
        with torch.no_grad():
            out, train_mse = net(xv).squeeze(-1), nn.functional.mse_loss(net(xt).squeeze(-1), yt).item()
        val_mse = nn.functional.mse_loss(out, yv).item()
        predicted[held] = out.numpy() * sy + my
        print(f"fold {k + 1}/{FOLDS}: train mse {train_mse:.3f}  held-out mse {val_mse:.3f}")
    r2 = 1 - ((predicted - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
