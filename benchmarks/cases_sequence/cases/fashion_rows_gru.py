"""Clothing pictures read as sequences of 14 rows by a GRU."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


class RowGRU(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.rnn = nn.GRU(14, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 10)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(out[:, -1])


def load():
    d = np.load(f"{SAMPLES}/fashion.npz")
    sets = []
    for part in ("train", "test"):
        x = d[f"x_{part}"].astype("float32").reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255
        sets.append((x, d[f"y_{part}"].astype("int64")))
    (x, y), (xt, yt) = sets
    folders = np.argsort(y, kind="stable")
    x, y = x[folders], y[folders]
    mean, std = x.mean(), x.std()
    return [torch.from_numpy(a) for a in ((x - mean) / std, y, (xt - mean) / std, yt)]


def main():
    seed_all()
    x, y, xt, yt = load()
    loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=FIXED)
    model = RowGRU()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(5):
        model.train()
        running = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(xt).argmax(1) == yt).float().mean().item()
        print("epoch %d: loss %.4f acc %.4f" % (epoch + 1, running / len(loader), acc))
    print("final accuracy %.4f" % acc)


if __name__ == "__main__":
    main()
