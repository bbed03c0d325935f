"""Where are the three peaks? Learned queries look into the spectrum, as in DETR."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, r2, seed

D, N_QUERIES, LENGTH = 32, 3, 64


class PeakFinder(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv1d(1, D, 4, 4)
        self.place = nn.Parameter(0.1 * torch.randn(LENGTH // 4, D))
        if FIXED:
            self.queries = nn.Parameter(torch.randn(N_QUERIES, D))
        else:
            self.queries = torch.zeros(N_QUERIES, D, requires_grad=True)
        self.decoder = nn.TransformerDecoderLayer(D, 4, 64, dropout=0.0, batch_first=True)
        self.box = nn.Linear(D, 1)

    def forward(self, x):
        memory = self.patch(x[:, None]).transpose(1, 2) + self.place
        slots = self.decoder(self.queries.expand(len(x), -1, -1), memory)
        return self.box(slots)[..., 0].sigmoid()


def spectra(n):
    at = torch.rand(n, 3).sort(1).values
    grid = torch.linspace(0, 1, LENGTH)
    x = torch.exp(-(((grid - at[..., None]) / 0.03) ** 2)).sum(1)
    return x + 0.03 * torch.randn(n, LENGTH), at


seed()
net = PeakFinder()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for step in range(500):
    x, at = spectra(48)
    loss = F.smooth_l1_loss(net(x), at, beta=0.05)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 0:
        print(f"step {step}: {loss.item():.4f}")
with torch.no_grad():
    x, at = spectra(1000)
    guess = net(x)
finish("r2", sum(r2(guess[:, k], at[:, k]) for k in range(3)) / 3)
