"""The load two hours ahead in its own unit: scaled for training, scaled back for the report."""

import torch
from _common import finish, load, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Scaler:
    def __init__(self, values):
        self.mean, self.std = values.mean(), values.std()

    def forward(self, v):
        return (v - self.mean) / self.std

    def back(self, v):
        return v * self.std + self.mean


seed()
raw = torch.tensor(load()[:5000])
scaler = Scaler(raw[:4000])
frame = scaler.forward(raw).unfold(0, 50, 1)
x, y = frame[:, :48, None], frame[:, 49]
train = DataLoader(TensorDataset(x[:3900], y[:3900]), batch_size=64, shuffle=True)
xv, yv = x[4000:], raw[4049:]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 32, batch_first=True)
        self.head = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x):
        return self.head(self.gru(x)[1][-1]).squeeze(-1)


model = Model()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=1, factor=0.5)
for epoch in range(7):
    model.train()
    for xb, yb in train:
        opt.zero_grad()
        loss = nn.functional.smooth_l1_loss(model(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
    model.eval()
    with torch.no_grad():
        mae = (scaler.back(model(xv)) - yv).abs().mean().item()
    plateau.step(mae)
    print(f"epoch {epoch} loss {loss.item():.4f} error {mae:.1f} MW of {yv.std().item():.1f}")
finish("mae", mae)
