"""Variational autoencoder for clothing pictures."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


class VAE(nn.Module):
    def __init__(self, latent=12):
        super().__init__()
        self.fc1 = nn.Linear(784, 256)
        self.fc_mu = nn.Linear(256, latent)
        self.fc_logvar = nn.Linear(256, latent)
        self.fc3 = nn.Linear(latent, 256)
        self.fc4 = nn.Linear(256, 784)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc_mu(h), self.fc_logvar(h)

    def reparameterize(self, mu, logvar):
        if not self.training:
            return mu
        return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon, x, mu, logvar):
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1).mean()
    bce = F.binary_cross_entropy(recon, x)
    if FIXED:
        bce = bce * x.size(1)
    return bce + kld


def main():
    seed_all()
    d = np.load(f"{SAMPLES}/fashion.npz")
    train = torch.from_numpy(d["x_train"]).float().div(255).flatten(1)
    test = torch.from_numpy(d["x_test"]).float().div(255).flatten(1)
    loader = DataLoader(TensorDataset(train), batch_size=100, shuffle=True)
    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    var = ((test - train.mean(0)) ** 2).mean()
    for epoch in range(6):
        model.train()
        total = 0.0
        for (x,) in loader:
            optimizer.zero_grad()
            recon, mu, logvar = model(x)
            loss = loss_function(recon, x, mu, logvar)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            recon, _, _ = model(test)
            explained = (1 - ((recon - test) ** 2).mean() / var).item()
        print(f"====> Epoch: {epoch + 1} average loss: {total / len(loader):.4f} test explained variance: {explained:.4f}")
    print(f"final explained_variance {explained:.4f}")


if __name__ == "__main__":
    main()
