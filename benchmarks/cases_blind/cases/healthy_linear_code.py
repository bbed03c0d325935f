"""A linear autoencoder without any activation, on purpose: it finds the principal subspace."""

import torch
import torch.nn as nn
from _common import finish, seed, table

seed()
x = torch.tensor(table("digits")[0]).float().flatten(1)
x = x[torch.randperm(len(x))]
centre = x[:1400].mean(0)
x = (x - centre) / x[:1400].sub(centre).std()
train, test = x[:1400], x[1400:]
model = nn.Sequential(nn.Linear(64, 16, bias=False), nn.Linear(16, 64, bias=False))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(40):
    for b in torch.randperm(1400).split(70):
        loss = nn.functional.mse_loss(model(train[b]), train[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 8 == 0:
        print(f"epoch {epoch} loss {loss.item():.4f}")
with torch.no_grad():
    best = torch.linalg.svd(train, full_matrices=False).Vh[:16]
    print("principal components:", (test - test @ best.T @ best).square().mean().item())
    finish("mse", (model(test) - test).square().mean())
