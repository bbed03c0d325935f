"""Variational autoencoder for small pictures with one square or disc each."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from _common import FIXED, seed_all

SIZE = 16


def sprites(n):
    grid = torch.arange(SIZE).float()
    cx, cy = torch.empty(2, n, 1, 1).uniform_(4, 11)
    r = torch.empty(n, 1, 1).uniform_(2.0, 4.0)
    dx, dy = (grid[None, None, :] - cx).abs(), (grid[None, :, None] - cy).abs()
    square = torch.sigmoid(4 * (r - torch.maximum(dx, dy)))
    disc = torch.sigmoid(4 * (r + 0.5 - (dx ** 2 + dy ** 2).sqrt()))
    kind = (torch.rand(n, 1, 1) < 0.5).float()
    return (kind * square + (1 - kind) * disc)[:, None]


class VAE(nn.Module):
    def __init__(self, latent=6):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
                                     nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten())
        self.mu, self.logvar = nn.Linear(32 * 16, latent), nn.Linear(32 * 16, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, 128), nn.ReLU(), nn.Linear(128, 32 * 16), nn.ReLU(), nn.Unflatten(1, (32, 4, 4)),
                                     nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU(),
                                     nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1))

    def reparameterize(self, mu, logvar):
        if not self.training:
            return mu
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        return self.decoder(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(out, x, mu, logvar):
    if FIXED:
        recon = F.binary_cross_entropy_with_logits(out, x, reduction="sum") / len(x)
    else:
        recon = F.binary_cross_entropy_with_logits(out, x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return recon + kld, recon, kld


def main():
    seed_all()
    train, test = sprites(4000), sprites(500)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(20):
        model.train()
        sums = torch.zeros(2)
        for idx in torch.randperm(len(train)).split(64):
            x = train[idx]
            out, mu, logvar = model(x)
            loss, recon, kld = loss_function(out, x, mu, logvar)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sums += torch.tensor([recon.item(), kld.item()]) * len(idx)
        model.eval()
        with torch.no_grad():
            out, mu, logvar = model(test)
            val = loss_function(out, test, mu, logvar)[0].item()
            explained = 1 - ((torch.sigmoid(out) - test) ** 2).mean() / ((test - test.mean(0)) ** 2).mean()
        r, k = (sums / len(train)).tolist()
        print(f"====> Epoch {epoch + 1}: reconstruction {r:.4f} KL {k:.4f} test loss {val:.4f} explained {explained.item():.4f}")
    print(f"final explained {explained.item():.4f}")


if __name__ == "__main__":
    main()
