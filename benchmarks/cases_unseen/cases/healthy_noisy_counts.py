"""Insurance claims: small counts, mostly zero, of which little can be foreseen; Poisson likelihood with exposure."""

import numpy as np
import torch
import torch.nn as nn
from _common import finish, seed

seed()
rng = np.random.default_rng(60)
n = 6000
age, power, region = rng.uniform(18, 80, n), rng.gamma(4, 20, n), rng.integers(0, 8, n)
exposure = rng.uniform(0.2, 1.0, n)
log_rate = -1.6 + 0.5 * np.cos((age - 20) / 18) + 0.004 * (power - 80) + np.linspace(-0.4, 0.4, 8)[region]
claims = rng.poisson(exposure * np.exp(log_rate))
numeric = np.stack([age, power], 1)
numeric = (numeric - numeric[:4500].mean(0)) / numeric[:4500].std(0)
x = torch.tensor(np.hstack([numeric, np.eye(8)[region]]), dtype=torch.float32)
offset = torch.tensor(np.log(exposure), dtype=torch.float32)
y = torch.tensor(claims, dtype=torch.float32)

net = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Linear(24, 1))
with torch.no_grad():
    net[-1].bias.fill_(float(np.log(claims[:4500].sum() / exposure[:4500].sum())))
criterion = nn.PoissonNLLLoss(log_input=True)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-4)
for epoch in range(25):
    net.train()
    losses = []
    for idx in torch.randperm(4500).split(90):
        optimizer.zero_grad()
        loss = criterion(net(x[idx]).squeeze(1) + offset[idx], y[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        held = criterion(net(x[4500:]).squeeze(1) + offset[4500:], y[4500:]).item()
    if epoch % 5 == 4:
        print(f"{epoch + 1:3d} train {np.mean(losses):.4f} held {held:.4f}")
finish("poisson_loss", held)
