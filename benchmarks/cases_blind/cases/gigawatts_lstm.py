"""Tomorrow's load at this hour, in gigawatts, straight from an LSTM."""

import torch
from _common import FIXED, finish, load, r2, seed
from torch import nn


class Forecaster(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.lstm2 = nn.LSTM(hidden, 1, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        x = self.norm(x.transpose(1, 2)).transpose(1, 2)
        seq, _ = self.lstm(x)
        if FIXED:
            return self.head(seq[:, -1])
        out, _ = self.lstm2(seq)
        return out[:, -1]


seed()
y = torch.tensor(load()[:5000]) / 1000
WINDOW, AHEAD = 48, 24
x = y.unfold(0, WINDOW, 1)[:-AHEAD].unsqueeze(-1)
y = y[WINDOW + AHEAD - 1 :].unsqueeze(-1)
assert len(x) == len(y)
cut = 4000
model = Forecaster(32)
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
mse = nn.MSELoss()
for epoch in range(4):
    model.train()
    losses = []
    for idx in torch.randperm(cut - 100).split(128):
        opt.zero_grad()
        loss = mse(model(x[idx]), y[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        losses.append(loss.item())
    print("epoch", epoch, "mse", sum(losses) / len(losses))
model.eval()
with torch.no_grad():
    finish("r2", r2(model(x[cut:]), y[cut:]))
