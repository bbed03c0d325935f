"""Tomorrow's return of a price series from the last twenty returns with a GRU."""

import torch
from _common import FIXED, finish, r2, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
gen = torch.Generator().manual_seed(12)
n = 3000
noise = 4e-4 * torch.randn(n, generator=gen)
ret = torch.zeros(n)
for k in range(2, n):
    ret[k] = 0.95 * ret[k - 1] - 0.55 * ret[k - 2] + noise[k]
w = ret.unfold(0, 21, 1)
cut = 2200
scale = ret[:cut].std()
x, y = (w[:, :20] / scale).unsqueeze(-1), w[:, 20:]
if FIXED:
    y = y / scale
train = DataLoader(TensorDataset(x[:cut], y[:cut]), batch_size=50, shuffle=True)


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.drop(self.gru(x)[0][:, -1]))


model = Forecaster()
mse = nn.MSELoss()
optim = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
for ep in range(10):
    model.train()
    run = 0.0
    for xb, yb in train:
        optim.zero_grad()
        loss = mse(model(xb), yb)
        loss.backward()
        optim.step()
        run += loss.item()
    model.eval()
    with torch.no_grad():
        score = r2(model(x[cut + 20 :]), y[cut + 20 :]).item()
    print(ep, run / len(train), "R2", score)
finish("r2", score)
