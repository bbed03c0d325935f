"""Convolutional autoencoder with a 24-number code."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


class AutoEncoder(nn.Module):
    def __init__(self, code=24):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 12, 4, stride=2, padding=1), nn.ELU(),
            nn.Conv2d(12, 24, 4, stride=2, padding=1), nn.ELU(),
            nn.Flatten(), nn.Linear(24 * 49, code),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 24 * 49), nn.ELU(), nn.Unflatten(1, (24, 7, 7)),
            nn.ConvTranspose2d(24, 12, 4, stride=2, padding=1), nn.ELU(),
            nn.ConvTranspose2d(12, 1, 4, stride=2, padding=1),
            nn.Identity() if FIXED else nn.Sigmoid(),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def images(split):
    with np.load(SAMPLES / "fashion.npz") as d:
        x = torch.from_numpy(d[f"x_{split}"]).float().div(255)
    return x.sub(0.286).div(0.353).unsqueeze(1)


seed_all()
train, test = images("train")[:4000], images("test")
loader = DataLoader(TensorDataset(train), batch_size=64, shuffle=True)
model = AutoEncoder()
mse = nn.MSELoss()
adam = torch.optim.Adam(model.parameters(), lr=2e-3)
spread = (test - train.mean(0)).square().mean().item()

for epoch in range(6):
    model.train()
    total = 0.0
    for (x,) in loader:
        loss = mse(model(x), x)
        adam.zero_grad()
        loss.backward()
        adam.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        val = mse(model(test), test).item()
    print(f"epoch {epoch + 1}: train {total / len(loader):.4f} val {val:.4f} explained {1 - val / spread:.4f}")
print(f"final explained_variance {1 - val / spread:.4f}")
