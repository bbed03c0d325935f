"""A variational autoencoder with its own loss."""
import torch.nn.functional as F
from _common import *
from torch import nn


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(784, 200)
        self.mu, self.logvar = nn.Linear(200, 16), nn.Linear(200, 16)
        self.dec = nn.Sequential(nn.Linear(16, 200), nn.ReLU(), nn.Linear(200, 784))

    def forward(self, x):
        h = F.relu(self.enc(x.view(-1, 784)))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return torch.sigmoid(self.dec(z)), mu, logvar


def loss_function(recon, x, mu, logvar):
    bce = F.binary_cross_entropy(recon, x.view(-1, 784), reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (bce + kld) / len(x)


seed()
x, _, xt, _ = fashion()
x, xt = torch.tensor(x).float() / 255, torch.tensor(xt).float() / 255
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    model.train()
    for i in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = loss_function(*(lambda r, m, v: (r, x[i], m, v))(*model(x[i])))
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        recon, mu, logvar = model(xt)
        print(epoch, loss_function(recon, xt, mu, logvar).item())
