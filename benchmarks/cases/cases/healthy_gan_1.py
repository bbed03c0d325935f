"""A small GAN that is in balance."""
from _common import *
from torch import nn

seed()
x, _, _, _ = fashion_tensors(1000)
x = x.flatten(1).clamp(-1, 1)
G = nn.Sequential(nn.Linear(16, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 784), nn.Tanh())
D = nn.Sequential(nn.Linear(784, 64), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(64, 1))
g_opt = torch.optim.Adam(G.parameters(), 2e-4, betas=(0.5, 0.999))
d_opt = torch.optim.Adam(D.parameters(), 2e-4, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
for epoch in range(8):
    for idx in torch.randperm(len(x)).split(50):
        real = x[idx]
        d_opt.zero_grad()
        fake = G(torch.randn(len(real), 16))
        loss = bce(D(real), torch.full((len(real), 1), 0.9)) + bce(D(fake.detach()), torch.zeros(len(real), 1))
        loss.backward()
        d_opt.step()
        g_opt.zero_grad()
        g_loss = bce(D(fake), torch.ones(len(real), 1))
        g_loss.backward()
        g_opt.step()
    print(epoch, loss.item(), g_loss.item())
