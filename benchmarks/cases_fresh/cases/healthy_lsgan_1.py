"""A least-squares GAN draws days of power demand."""

import torch
from _common import finish, seed, series
from torch import nn

seed()
days = torch.tensor(series("ItalyPowerDemand", "TEST")[0])


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(8, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 24)
        )

    def forward(self, n):
        return self.net(torch.randn(n, 8))


G = Generator()
D = nn.Sequential(
    nn.Linear(24, 64), nn.LeakyReLU(0.2), nn.Dropout(0.2), nn.Linear(64, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1)
)
og = torch.optim.Adam(G.parameters(), lr=5e-4, betas=(0.5, 0.999))
od = torch.optim.Adam(D.parameters(), lr=5e-4, betas=(0.5, 0.999))
for epoch in range(90):
    for batch in torch.randperm(len(days)).split(64):
        real = days[batch]
        fake = G(len(real))
        d_loss = 0.5 * ((D(real) - 1) ** 2).mean() + 0.5 * (D(fake.detach()) ** 2).mean()
        od.zero_grad()
        d_loss.backward()
        od.step()
        g_loss = 0.5 * ((D(fake) - 1) ** 2).mean()
        og.zero_grad()
        g_loss.backward()
        og.step()
    if epoch % 18 == 17:
        G.eval()
        with torch.no_grad():
            fake = G(500)
            distance = torch.cdist(days[:500], fake).min(1).values.mean().item()
        G.train()
        print(f"epoch {epoch + 1} D {d_loss.item():.3f} G {g_loss.item():.3f} distance {distance:.3f}")
finish("distance", distance)
