"""A variational autoencoder on clothing with a weight on the divergence."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed

BETA = 1.0 if FIXED else 60.0


class VAE(nn.Module):
    def __init__(self, latent=8):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(784, 128), nn.ReLU())
        self.mu, self.logvar = nn.Linear(128, latent), nn.Linear(128, latent)
        self.dec = nn.Sequential(nn.Linear(latent, 128), nn.ReLU(), nn.Linear(128, 784))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.dec(z), mu, logvar


def loss_function(logits, x, mu, logvar):
    recon = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).mean()
    kld = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()
    return recon + BETA * kld, recon, kld


seed()
x, _, xt, _ = fashion(3000, 500)
x, xt = (torch.tensor(a).flatten(1) / 255.0 for a in (x, xt))
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    model.train()
    for i in torch.randperm(3000).split(60):
        loss, recon, kld = loss_function(*((out := model(x[i]))[:1]), x[i], *out[1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(xt)
        _, val_recon, val_kld = loss_function(out[0], xt, out[1], out[2])
    print(
        f"epoch {epoch} recon {recon.item():.2f} kl {kld.item():.3f} | val {val_recon.item():.2f} {val_kld.item():.3f}"
    )
finish("reconstruction", val_recon)
