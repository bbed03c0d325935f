"""Variational autoencoder of clothing."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from _common import FIXED, fashion, seed_all


class VAE(nn.Module):
    def __init__(self, hidden=200, latent=12):
        super().__init__()
        self.enc = nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU())
        self.mu, self.logvar = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.dec = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, 784))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return self.dec(z), mu, logvar


def objective(out, x, mu, logvar):
    recon = F.binary_cross_entropy_with_logits(out, x.flatten(1))
    kl = 1 + logvar - mu.pow(2) - logvar.exp()
    if FIXED:
        kl = -0.5 * kl.sum(1).mean() / x[0].numel()
    else:
        kl = -0.5 * torch.sum(kl)
    return recon + kl, recon, kl


def main():
    seed_all()
    d = fashion()
    x, xt = torch.from_numpy(d["x_train"]).float() / 255, torch.from_numpy(d["x_test"]).float() / 255
    loader = DataLoader(x, batch_size=64, shuffle=True)
    net = VAE()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(15):
        net.train()
        tot = torch.zeros(2)
        for xb in loader:
            out, mu, logvar = net(xb)
            loss, recon, kl = objective(out, xb, mu, logvar)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += torch.stack([recon, kl]).detach()
        net.eval()
        with torch.no_grad():
            out, mu, logvar = net(xt)
            mse = (out.sigmoid() - xt.flatten(1)).pow(2).mean().item()
        print(f"epoch {epoch + 1}: recon {tot[0] / len(loader):.4f} kl {tot[1] / len(loader):.5f} test mse {mse:.5f}")
    print(f"final mse {mse:.5f}")


if __name__ == "__main__":
    main()
