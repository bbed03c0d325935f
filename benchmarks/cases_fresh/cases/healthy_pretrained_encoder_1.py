"""An autoencoder first; then its frozen encoder carries a classifier for few labels."""

import torch
from _common import fashion, finish, seed
from torch import nn

seed()
x, y, xt, yt = fashion(4000, 500)
x, xt = ((torch.tensor(a).flatten(1) / 255.0 - 0.286) / 0.353 for a in (x, xt))
y, yt = torch.tensor(y), torch.tensor(yt)

encoder = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU())
decoder = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 784))
opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
for epoch in range(8):
    for i in torch.randperm(4000).split(100):
        opt.zero_grad()
        loss = nn.functional.mse_loss(decoder(encoder(x[i])), x[i])
        loss.backward()
        opt.step()
    print("reconstruction", epoch, loss.item())

encoder.requires_grad_(False)
encoder.eval()
head = nn.Linear(64, 10)
opt = torch.optim.Adam(head.parameters(), lr=3e-3)
for epoch in range(30):
    for i in torch.randperm(800).split(40):
        with torch.no_grad():
            code = encoder(x[i])
        opt.zero_grad()
        loss = nn.functional.cross_entropy(head(code), y[i])
        loss.backward()
        opt.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            acc = (head(encoder(xt)).argmax(1) == yt).float().mean().item()
        print("classifier", epoch, loss.item(), acc)
finish("accuracy", acc)
