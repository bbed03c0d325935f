"""Temporal convolution that forecasts every next hour of a week at once."""

import torch
import torch.nn as nn
from _common import FIXED, finish, load, seed

seed()
demand = torch.tensor(load()[:5040])
demand = (demand - demand[:3360].mean()) / demand[:3360].std()
weeks = demand.view(-1, 168)
train, held = weeks[:20], weeks[20:]


class TemporalBlock(nn.Module):
    def __init__(self, cin, cout, dilation, kernel=3):
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.conv = nn.Conv1d(cin, cout, kernel, dilation=dilation)
        self.skip = nn.Conv1d(cin, cout, 1)

    def forward(self, x):
        pad = (self.reach, 0) if FIXED else (self.reach // 2, self.reach - self.reach // 2)
        return torch.relu(self.conv(nn.functional.pad(x, pad)) + self.skip(x))


class TCN(nn.Module):
    def __init__(self, channels=(24, 24, 24, 24)):
        super().__init__()
        blocks, width = [], 1
        for i, c in enumerate(channels):
            blocks.append(TemporalBlock(width, c, 2**i))
            width = c
        self.network = nn.Sequential(*blocks)
        self.out = nn.Conv1d(width, 1, 1)

    def forward(self, x):
        return self.out(self.network(x.unsqueeze(1))).squeeze(1)


model = TCN()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(150):
    model.train()
    for idx in torch.randperm(len(train)).split(4):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(train[idx][:, :-1]), train[idx][:, 1:])
        loss.backward()
        optimizer.step()
    if epoch % 15 == 14:
        with torch.no_grad():
            val = nn.functional.mse_loss(model(held[:, :-1]), held[:, 1:]).item()
        print(f"epoch {epoch + 1}: train {loss.item():.4f} val {val:.4f}")
model.eval()
errors = []
with torch.no_grad():
    for hour in range(72, 168, 6):
        errors.append((model(held[:, :hour])[:, -1] - held[:, hour]) ** 2)
finish("live_mse", torch.stack(errors).mean())
