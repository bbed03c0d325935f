"""A variational autoencoder with a Bernoulli decoder, summed over pixels, divided by the batch."""
from _common import *
from torch import nn
import torch.nn.functional as F

seed()
x = torch.tensor(fashion(1500)[0]).float().flatten(1) / 255


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.e, self.mu, self.lv = nn.Linear(784, 128), nn.Linear(128, 8), nn.Linear(128, 8)
        self.d = nn.Sequential(nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 784))

    def forward(self, q):
        h = torch.relu(self.e(q))
        mu, lv = self.mu(h), self.lv(h)
        return torch.sigmoid(self.d(mu + torch.randn_like(mu) * (lv / 2).exp())), mu, lv


vae = VAE()
opt = torch.optim.Adam(vae.parameters(), lr=2e-3)
for e in range(8):
    vae.train()
    for i in torch.randperm(1300).split(50):
        rec, mu, lv = vae(x[i])
        loss = (F.binary_cross_entropy(rec, x[i], reduction="sum") - 0.5 * (1 + lv - mu ** 2 - lv.exp()).sum()) / len(i)
        opt.zero_grad()
        loss.backward()
        opt.step()
    vae.eval()
    with torch.no_grad():
        print(e, loss.item(), F.binary_cross_entropy(vae(x[1300:])[0], x[1300:], reduction="sum").item() / 200)
