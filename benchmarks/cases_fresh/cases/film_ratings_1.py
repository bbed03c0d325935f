"""Ratings of films from embeddings of users and films."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

seed()
g = torch.Generator().manual_seed(50)
U, M, R = 200, 120, 6000
user, film = torch.randint(0, U, (R,), generator=g), torch.randint(0, M, (R,), generator=g)
taste, style = torch.randn(U, 2, generator=g), torch.randn(M, 2, generator=g)
bias_u, bias_f = 0.4 * torch.randn(U, generator=g), 0.5 * torch.randn(M, generator=g)
rating = (
    3.3 + bias_u[user] + bias_f[film] + 0.35 * (taste[user] * style[film]).sum(1) + 0.5 * torch.randn(R, generator=g)
)
rating = rating.clamp(1, 5)
cut = 4800
mean = rating[:cut].mean()


class MatrixFactorization(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.users, self.films = nn.Embedding(U, dim), nn.Embedding(M, dim)
        self.bu, self.bf = nn.Embedding(U, 1), nn.Embedding(M, 1)
        for table in (self.users, self.films, self.bu, self.bf):
            nn.init.normal_(table.weight, std=0.05)

    def forward(self, u, f):
        return mean + (self.users(u) * self.films(f)).sum(1) + self.bu(u)[:, 0] + self.bf(f)[:, 0]


if FIXED:
    model, decay, epochs = MatrixFactorization(4), 0.2, 12
else:
    model, decay, epochs = MatrixFactorization(80), 0.0, 40
opt = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=decay)
for epoch in range(epochs):
    model.train()
    for b in torch.randperm(cut).split(64):
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(user[b], film[b]), rating[b])
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        rmse = nn.functional.mse_loss(model(user[cut:], film[cut:]), rating[cut:]).sqrt().item()
    print(f"epoch {epoch}: train mse {loss.item():.4f} val rmse {rmse:.4f}")
finish("rmse", rmse)
