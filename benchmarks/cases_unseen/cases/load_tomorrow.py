"""Next-hour electricity load from the last day, with a GRU."""

import numpy as np
import torch
from _common import FIXED, finish, load, r2, seed
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

seed()
LOOKBACK = 24


class WindowedSeries(Dataset):
    def __init__(self, series):
        self.series = series

    def __len__(self):
        return len(self.series) - LOOKBACK

    def __getitem__(self, i):
        return self.series[i : i + LOOKBACK].unsqueeze(-1), self.series[i + LOOKBACK]


class GRUForecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x):
        _, h = self.gru(x)
        return self.linear(h[-1])


raw = load()[:3600]
cut = 2800
mu, sd = raw[:cut].mean(), raw[:cut].std()
values = torch.tensor(((raw - mu) / sd).astype(np.float32))
train_dl = DataLoader(WindowedSeries(values[:cut]), batch_size=64, shuffle=True)
test_dl = DataLoader(WindowedSeries(values[cut - LOOKBACK :]), batch_size=200)

model = GRUForecaster()
loss_fn = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=0.003)

for epoch in range(6):
    model.train()
    epoch_loss = []
    for xb, yb in train_dl:
        out = model(xb)
        if FIXED:
            out = out.squeeze(-1)
        loss = loss_fn(out, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss.append(loss.item())
    print("epoch", epoch, "mse", np.mean(epoch_loss))

model.eval()
with torch.no_grad():
    predicted = torch.cat([model(xb).flatten() for xb, _ in test_dl])
    actual = torch.cat([yb for _, yb in test_dl])
finish("r2", r2(predicted, actual))
