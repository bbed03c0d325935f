"""Disease progression a year on: little data, much noise, a small well-held network."""
import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import finish, r2, seed, table


def main():
    seed()
    x, y = table("diabetes")
    x = torch.tensor(x, dtype=torch.float32)
    y = torch.tensor(y, dtype=torch.float32).reshape(-1, 1)
    order = torch.randperm(len(x))
    train, val, test = order[:270], order[270:340], order[340:]
    x = (x - x[train].mean(0)) / x[train].std(0)
    mean, std = y[train].mean(), y[train].std()
    target = (y - mean) / std

    net = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    criterion = nn.SmoothL1Loss()
    loader = DataLoader(TensorDataset(x[train], target[train]), batch_size=9, shuffle=True)
    best, kept, patience = float("inf"), None, 0
    for epoch in range(150):
        net.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            criterion(net(xb), yb).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            train_loss = criterion(net(x[train]), target[train]).item()
            val_loss = criterion(net(x[val]), target[val]).item()
        if epoch % 10 == 0:
            print(f"epoch {epoch} train {train_loss:.4f} val {val_loss:.4f}")
        if val_loss < best - 1e-4:
            best, kept, patience = val_loss, copy.deepcopy(net.state_dict()), 0
        else:
            patience += 1
            if patience == 40:
                print(f"no gain for {patience} epochs, back to the best")
                break
    net.load_state_dict(kept)
    with torch.no_grad():
        prediction = net(x[test]) * std + mean
    finish("r2", r2(prediction, y[test]))


if __name__ == "__main__":
    main()
