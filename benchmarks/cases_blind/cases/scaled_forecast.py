"""Load an hour ahead: trained on scaled values, reported in megawatts."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, load, r2, seed


class MinMaxScaler:
    def fit(self, v):
        self.low, self.high = v.min(), v.max()
        return self

    def transform(self, v):
        return (v - self.low) / (self.high - self.low)

    def inverse_transform(self, v):
        return v * (self.high - self.low) + self.low


def sliding(v, width):
    return np.lib.stride_tricks.sliding_window_view(v, width)[:-1].copy(), v[width:].copy()


class TCN(nn.Module):
    def __init__(self, channels=16):
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Conv1d(1, channels, 2), nn.Conv1d(channels, channels, 2, dilation=2), nn.Conv1d(channels, channels, 2, dilation=4)]
        )
        self.out = nn.Linear(channels, 1)

    def forward(self, x):
        x = x[:, None]
        for conv in self.layers:
            x = torch.relu(conv(x))
        return self.out(x[:, :, -1])[:, 0]


seed()
raw = load()[:5000]
scaler = MinMaxScaler().fit(raw[:4000])
x_train, y_train = sliding(scaler.transform(raw[:4000]), 16)
x_test, _ = sliding(scaler.transform(raw[4000:]), 16)
_, y_test = sliding(raw[4000:], 16)
x_train, y_train, x_test, y_test = map(torch.tensor, (x_train, y_train, x_test, y_test))

model = TCN()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for b in torch.randperm(len(x_train)).split(64):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x_train[b]), y_train[b])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        forecast = model(x_test)
        if FIXED:
            forecast = scaler.inverse_transform(forecast)
        score = r2(forecast, y_test)
    print(f"epoch {epoch} train mse {loss.item():.5f} test r2 {score:.4f}")
finish("r2", score)
