"""Next-hour electricity load from the last two days, LSTM with time features."""
import csv
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, seed_all

WINDOW = 36


class LoadDataset(Dataset):
    def __init__(self, series, stride=1):
        self.series = series
        self.index = list(range(0, len(series) - WINDOW, stride))

    def __len__(self):
        return len(self.index)

    def __getitem__(self, i):
        s = self.index[i]
        return self.series[s:s + WINDOW], self.series[s + WINDOW, 0]


class LSTMRegressor(nn.Module):
    def __init__(self, n_in=3, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(n_in, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.linear(out[:, -1])


def prepare():
    with open(f"{SAMPLES}/electricity.csv") as f:
        load = torch.tensor([float(r["y"]) for r in csv.DictReader(f)])
    cut = int(0.8 * len(load))
    load = (load - load[:cut].mean()) / load[:cut].std()
    hour = torch.arange(len(load)) * (2 * math.pi / 24)
    table = torch.stack([load, hour.sin() * 1.4, hour.cos() * 1.4], dim=1)
    return LoadDataset(table[:cut], stride=2), LoadDataset(table[cut:])


def main():
    seed_all()
    train, test = prepare()
    train_loader = DataLoader(train, batch_size=32, shuffle=True)
    test_loader = DataLoader(test, batch_size=256)
    model = LSTMRegressor()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(5):
        model.train()
        running = 0.0
        for x, y in train_loader:
            if FIXED:
                y = y.unsqueeze(1)
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        preds, truth = [], []
        with torch.no_grad():
            for x, y in test_loader:
                preds += model(x).flatten().tolist()
                truth += y.tolist()
        p, t = torch.tensor(preds), torch.tensor(truth)
        r2 = (1 - ((p - t) ** 2).sum() / ((t - t.mean()) ** 2).sum()).item()
        print(f"Epoch {epoch + 1}: train loss {running / len(train_loader):.4f}, test R2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
