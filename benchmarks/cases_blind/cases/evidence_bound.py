"""A variational autoencoder on garments; judged by how well it restores them."""

import torch
from _common import FIXED, fashion, finish, seed
from torch import nn
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self):
        super(VAE, self).__init__()
        self.fc1 = nn.Linear(196, 128)
        self.fc21 = nn.Linear(128, 8)
        self.fc22 = nn.Linear(128, 8)
        self.fc3 = nn.Linear(8, 128)
        self.fc4 = nn.Linear(128, 196)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def decode(self, z):
        return self.fc4(F.relu(self.fc3(z)))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon, x, mu, logvar):
    rec = F.mse_loss(recon, x, reduction="sum") / 0.5
    kld = 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    if FIXED:
        kld = -kld
    return (rec + kld) / len(x)


def main():
    seed()
    xa, _, xb, _ = fashion(2000, 500)
    train, test = (F.avg_pool2d(torch.tensor(x).float()[:, None] / 255, 2).flatten(1) for x in (xa, xb))
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(1, 16):
        train_loss = 0
        for idx in torch.randperm(len(train)).split(64):
            optimizer.zero_grad()
            recon, mu, logvar = model(train[idx])
            loss = loss_function(recon, train[idx], mu, logvar)
            loss.backward()
            train_loss += loss.item()
            optimizer.step()
        print("====> Epoch: {} Average loss: {:.4f}".format(epoch, train_loss / 32))
    with torch.no_grad():
        finish("mse", F.mse_loss(model(test)[0], test))


main()
