"""Denoising autoencoder of garments: tanh layers, 24 code units."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

CODE = 24


def load(part):
    with np.load(SAMPLES / "fashion.npz") as d:
        x = torch.from_numpy(d[f"x_{part}"]).float().reshape(-1, 28, 28) / 255
    x = nn.functional.avg_pool2d(x.unsqueeze(1), 2).flatten(1)
    return (x - 0.286) / 0.32


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(196, 128), nn.Tanh(), nn.Linear(128, CODE), nn.Tanh())
        self.decoder = nn.Sequential(nn.Linear(CODE, 128), nn.Tanh(), nn.Linear(128, 196))
        for part in (self.encoder[0], self.encoder[2], self.decoder[0]):
            self.start(part)

    @staticmethod
    def start(layer):
        if FIXED:
            nn.init.xavier_normal_(layer.weight, gain=nn.init.calculate_gain("tanh"))
        else:
            nn.init.normal_(layer.weight)
        nn.init.zeros_(layer.bias)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main():
    seed_all()
    train, val = load("train"), load("test")
    noisy_val = val + 0.3 * torch.randn(val.shape, generator=torch.Generator().manual_seed(0))
    variance = (val - train.mean(0)).pow(2).mean().item()
    net = Autoencoder()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(train), batch_size=64, shuffle=True)
    for epoch in range(10):
        net.train()
        total = 0.0
        for (x,) in loader:
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(x + 0.3 * torch.randn_like(x)), x)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            mse = nn.functional.mse_loss(net(noisy_val), val).item()
        print(f"epoch {epoch + 1}: train {total / len(loader):.4f} val {mse:.4f} explained {1 - mse / variance:.4f}")
    print(f"final explained_variance {1 - mse / variance:.4f}")


if __name__ == "__main__":
    main()
