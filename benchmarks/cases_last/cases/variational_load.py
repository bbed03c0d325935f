"""A variational autoencoder of the days of an electricity load; judged by how well days are restored."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, load, seed


class VAE(nn.Module):
    def __init__(self, hours=24, latent=6):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(hours, 64), nn.SiLU(), nn.Linear(64, 32), nn.SiLU())
        self.mu, self.logvar = nn.Linear(32, latent), nn.Linear(32, latent)
        self.dec = nn.Sequential(nn.Linear(latent, 32), nn.SiLU(), nn.Linear(32, 64), nn.SiLU(), nn.Linear(64, hours))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return self.dec(z), mu, logvar


def objective(x, restored, mu, logvar, noise=0.25):
    """Negative evidence bound of Gaussian noise, per day."""
    kl = -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(1).mean()
    if FIXED:
        return F.mse_loss(restored, x, reduction="sum") / len(x) / (2 * noise**2) + kl
    return F.mse_loss(restored, x) + kl


seed()
days = torch.tensor(load()).view(-1, 24)
days = (days - days[:300].mean()) / days[:300].std()
order = torch.randperm(len(days))
train, test = days[order[:300]], days[order[300:]]
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(120):
    model.train()
    for idx in torch.randperm(300).split(25):
        x = train[idx]
        loss = objective(x, *model(x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 20 == 19:
        print(f"epoch {epoch + 1} loss {loss.item():.4f}")
model.eval()
with torch.no_grad():
    restored = model(test)[0]
finish("explained", 1 - (restored - test).square().mean() / (test - train.mean(0)).square().mean())
