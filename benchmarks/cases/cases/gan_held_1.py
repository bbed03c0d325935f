"""The discriminator's optimiser is never stepped: a GAN that cannot learn."""
from _common import *
from torch import nn

seed()
x, _, _, _ = fashion_tensors(1000)
x = x.flatten(1).clamp(-1, 1)
G = nn.Sequential(nn.Linear(16, 64), nn.LeakyReLU(0.2), nn.Linear(64, 784), nn.Tanh())
D = nn.Sequential(nn.Linear(784, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
g_opt = torch.optim.Adam(G.parameters(), 2e-4, betas=(0.5, 0.999))
d_opt = torch.optim.Adam(D.parameters() if FIXED else [p for p in D.parameters()][:1], 2e-4, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
for epoch in range(6):
    for idx in torch.randperm(len(x)).split(50):
        real = x[idx]
        ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        fake = G(torch.randn(len(real), 16))
        d_loss = bce(D(real), ones) + bce(D(fake.detach()), zeros)
        d_opt.zero_grad()
        d_loss.backward()
        d_opt.step()
        g_loss = bce(D(fake), ones)
        g_opt.zero_grad()
        g_loss.backward()
        g_opt.step()
    print(epoch, d_loss.item(), g_loss.item())
