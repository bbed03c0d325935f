"""Variational autoencoder of Fashion-MNIST (16 latent dimensions)."""
import numpy as np
import torch
from torch import nn

from _common import FIXED, SAMPLES, seed_all

LATENT = 16


class VAE(nn.Module):
    def __init__(self, hidden=200):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.mu, self.logvar = nn.Linear(hidden, LATENT), nn.Linear(hidden, LATENT)
        self.dec = nn.Sequential(nn.Linear(LATENT, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
                                 nn.Linear(hidden, 784))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if self.training else mu
        return self.dec(z), mu, logvar


def elbo_terms(x, recon, mu, logvar):
    error = (recon - x).pow(2)
    rec = error.sum(1).mean() if FIXED else error.mean()
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()
    return rec, kl


def main():
    seed_all()
    with np.load(SAMPLES / "fashion.npz") as d:
        x = torch.from_numpy(d["x_train"]).float().reshape(-1, 784) / 255
        v = torch.from_numpy(d["x_test"]).float().reshape(-1, 784) / 255
    x, v = (x - 0.286) / 0.353, (v - 0.286) / 0.353
    model = VAE()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    total_var = (v - x.mean(0)).pow(2).mean().item()
    for epoch in range(10):
        model.train()
        rec_sum = kl_sum = 0.0
        batches = torch.randperm(len(x)).split(100)
        for idx in batches:
            rec, kl = elbo_terms(x[idx], *model(x[idx]))
            loss = rec + kl
            opt.zero_grad()
            loss.backward()
            opt.step()
            rec_sum += rec.item()
            kl_sum += kl.item()
        model.eval()
        with torch.no_grad():
            recon, mu, logvar = model(v)
            rec, kl = elbo_terms(v, recon, mu, logvar)
            explained = 1 - (recon - v).pow(2).mean().item() / total_var
        print(f"epoch {epoch + 1}: rec {rec_sum / len(batches):.3f} kl {kl_sum / len(batches):.3f} "
              f"val loss {rec + kl:.3f} explained variance {explained:.4f}")
    print(f"final explained_variance {explained:.4f}")


if __name__ == "__main__":
    main()
