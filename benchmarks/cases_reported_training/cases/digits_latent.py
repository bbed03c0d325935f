"""A variational autoencoder for digits."""
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from _common import FIXED, finish, seed, table

LATENT = 8


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.mu, self.log_var = nn.Linear(64, LATENT), nn.Linear(64, LATENT)
        self.decode = nn.Sequential(nn.Linear(LATENT, 64), nn.ReLU(), nn.Linear(64, 64), nn.Sigmoid())

    def forward(self, x):
        h = self.encode(x)
        mu, log_var = self.mu(h), self.log_var(h)
        z = mu
        if self.training:
            z = mu + torch.randn_like(mu) * torch.exp(0.5 * log_var)
        return self.decode(z), mu, log_var


def losses(out, x, mu, log_var):
    kl = -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(1).mean()
    if FIXED:
        reconstruction = F.mse_loss(out, x, reduction="sum") / len(x) / 0.1
    else:
        reconstruction = F.mse_loss(out, x)
    return reconstruction, kl


def main():
    seed()
    x, _ = table("digits")
    x = torch.from_numpy(x).float().flatten(1) / 16
    train, test = x[:1400], x[1400:]
    loader = DataLoader(train, batch_size=32, shuffle=True)
    net = VAE()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(40):
        net.train()
        sums = [0.0, 0.0]
        for batch in loader:
            out, mu, log_var = net(batch)
            reconstruction, kl = losses(out, batch, mu, log_var)
            optimizer.zero_grad()
            (reconstruction + kl).backward()
            optimizer.step()
            sums[0] += reconstruction.item()
            sums[1] += kl.item()
        net.eval()
        with torch.no_grad():
            error = ((net(test)[0] - test) ** 2).mean()
        score = (1 - error / ((train.mean(0) - test) ** 2).mean()).item()
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1} reconstruction {sums[0] / len(loader):.4f} kl {sums[1] / len(loader):.4f} r2 {score:.4f}")
    finish("r2", score)


if __name__ == "__main__":
    main()
