"""Variational autoencoder as in the examples: summed binary cross-entropy plus summed divergence."""

import torch
from _common import fashion, finish, seed
from torch import nn, optim
from torch.nn import functional as F

seed()
train_images, _, test_images, _ = fashion(3000, 500)
train_data = torch.tensor(train_images).float().view(-1, 784) / 255
test_data = torch.tensor(test_images).float().view(-1, 784) / 255


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 200)
        self.fc21 = nn.Linear(200, 12)
        self.fc22 = nn.Linear(200, 12)
        self.fc3 = nn.Linear(12, 200)
        self.fc4 = nn.Linear(200, 784)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


model = VAE()
optimizer = optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(1, 11):
    model.train()
    train_loss = 0
    for idx in torch.randperm(len(train_data)).split(64):
        optimizer.zero_grad()
        loss = loss_function(*((m := model(train_data[idx]))[:1]), train_data[idx], *m[1:])
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        recon, mu, logvar = model(test_data)
        test_loss = loss_function(recon, test_data, mu, logvar).item() / len(test_data)
    print(f"====> Epoch: {epoch} Average loss: {train_loss / len(train_data):.4f} test {test_loss:.4f}")
finish("loss", test_loss)
