"""Noise prediction as in a diffusion model: the loss can never reach zero."""
from _common import *
from torch import nn

seed()
t = torch.rand(3000) * 6.28
data = torch.stack([t.cos(), t.sin()], 1) + 0.05 * torch.randn(3000, 2)
beta = torch.linspace(1e-4, 0.05, 100)
ab = (1 - beta).cumprod(0)


class Eps(nn.Module):
    def __init__(self):
        super().__init__()
        self.t = nn.Embedding(100, 32)
        self.net = nn.Sequential(nn.Linear(34, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 2))

    def forward(self, x, k):
        return self.net(torch.cat([x, self.t(k)], 1))


model = Eps()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(600):
    i = torch.randint(0, 3000, (128,))
    k = torch.randint(0, 100, (128,))
    noise = torch.randn(128, 2)
    noisy = ab[k, None].sqrt() * data[i] + (1 - ab[k, None]).sqrt() * noise
    loss = ((model(noisy, k) - noise) ** 2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 200 == 199:
        print(step, loss.item())
