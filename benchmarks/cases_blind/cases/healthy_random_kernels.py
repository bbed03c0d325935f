"""Time series by many random convolutions that are never trained; only the readout learns."""

import torch
import torch.nn as nn
from _common import finish, seed


def chirps(n):
    k = torch.randint(0, 3, (n,))
    t = torch.linspace(0, 1, 100)
    start = 4 + 4 * torch.rand(n, 1)
    slope = (k[:, None] - 1) * 8.0
    wave = torch.sin(6.283 * (start * t + slope * t**2 / 2 + torch.rand(n, 1)))
    return wave[:, None] + 0.5 * torch.randn(n, 1, 100), k


class RandomKernels(nn.Module):
    def __init__(self, per_dilation=80):
        super().__init__()
        self.banks = nn.ModuleList()
        for d in (1, 2, 4):
            conv = nn.Conv1d(1, per_dilation, 9, dilation=d)
            nn.init.normal_(conv.weight)
            nn.init.uniform_(conv.bias, -1, 1)
            self.banks.append(conv.requires_grad_(False))

    @torch.no_grad()
    def forward(self, x):
        found = []
        for bank in self.banks:
            r = bank(x)
            half = r.shape[-1] // 2
            found += [r[..., :half].amax(-1), r[..., half:].amax(-1), (r[..., :half] > 0).float().mean(-1), (r[..., half:] > 0).float().mean(-1)]
        return torch.cat(found, 1)


seed()
x, k = chirps(1200)
xt, kt = chirps(300)
kernels = RandomKernels()
f, ft = kernels(x), kernels(xt)
f, ft = (f - f.mean(0)) / f.std(0), (ft - f.mean(0)) / f.std(0)
readout = nn.Linear(f.shape[1], 3)
optimizer = torch.optim.AdamW(readout.parameters(), lr=2e-3, weight_decay=0.1)
for epoch in range(20):
    for b in torch.randperm(1200).split(40):
        loss = nn.functional.cross_entropy(readout(f[b]), k[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print(f"epoch {epoch} loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (readout(ft).argmax(1) == kt).float().mean())
