"""Gestures: each reading becomes a token, tokens go through a normalisation and a convolution over time."""

import torch
from _common import FIXED, finish, seed, series
from torch import nn


class Curves(nn.Module):
    def __init__(self, channels=1, width=32):
        super().__init__()
        self.norm = nn.Identity() if FIXED else nn.LayerNorm(channels)
        self.lift = nn.Linear(channels, width)
        self.time = nn.Sequential(
            nn.Conv1d(width, width, 7, padding=3), nn.GELU(), nn.MaxPool1d(3), nn.Conv1d(width, width, 7, padding=3), nn.GELU()
        )
        self.head = nn.Linear(width * 50, 2)

    def forward(self, x):
        h = self.lift(self.norm(x))  # (N, T, C)
        return self.head(self.time(h.transpose(1, 2)).flatten(1))


seed()
(xa, ya), (xb, yb) = series("GunPoint", "TRAIN"), series("GunPoint", "TEST")
mean, std = xa.mean(), xa.std()
x = torch.tensor((xb - mean) / std)[:, :, None]  # the larger part is for training
y = torch.tensor(yb)
x_valid, y_valid = torch.tensor((xa - mean) / std)[:, :, None], torch.tensor(ya)
model = Curves()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
for epoch in range(25):
    model.train()
    for idx in torch.randperm(len(y)).split(16):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_valid).argmax(1) == y_valid).float().mean()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.3f}")
finish("accuracy", accuracy)
