"""Film ratings: matrix factorisation with user and item biases."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

USERS, ITEMS = 250, 150


def ratings(n=14000):
    rng = np.random.default_rng(77)
    taste, theme = rng.normal(size=(USERS, 4)), rng.normal(size=(ITEMS, 4))
    kind, quality = 0.4 * rng.normal(size=USERS), 0.5 * rng.normal(size=ITEMS)
    pair = rng.choice(USERS * ITEMS, n, replace=False)
    u, i = pair // ITEMS, pair % ITEMS
    stars = 3.4 + kind[u] + quality[i] + 0.35 * (taste[u] * theme[i]).sum(1) + 0.35 * rng.normal(size=n)
    return u, i, np.clip(np.round(2 * stars) / 2, 0.5, 5).astype(np.float32)


class Factorisation(nn.Module):
    def __init__(self, rank=8):
        super().__init__()
        self.user, self.item = nn.Embedding(USERS, rank), nn.Embedding(ITEMS, rank)
        self.user_bias, self.item_bias = nn.Embedding(USERS, 1), nn.Embedding(ITEMS, 1)
        self.mean = nn.Parameter(torch.zeros(1))
        for table in (self.user, self.item):
            nn.init.normal_(table.weight, std=0.1)
        for table in (self.user_bias, self.item_bias):
            nn.init.zeros_(table.weight)

    def forward(self, u, i):
        dot = (self.user(u) * self.item(i)).sum(1, keepdim=True)
        score = self.mean + self.user_bias(u) + self.item_bias(i) + dot
        return score.squeeze(1) if FIXED else score


def squared_error(pred, target):
    return (pred - target).pow(2).mean()


def main():
    seed_all()
    u, i, r = (torch.from_numpy(a) for a in ratings())
    centre, scale = r[:11000].mean(), r[:11000].std()
    r = (r - centre) / scale
    loader = DataLoader(TensorDataset(u[:11000], i[:11000], r[:11000]), batch_size=128, shuffle=True)
    model = Factorisation()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
    for epoch in range(12):
        model.train()
        total = 0.0
        for ub, ib, rb in loader:
            optimizer.zero_grad()
            loss = squared_error(model(ub, ib), rb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        schedule.step()
        model.eval()
        with torch.no_grad():
            pred = model(u[11000:], i[11000:])
            val = squared_error(pred, r[11000:]).item()
            rmse = (pred.flatten() - r[11000:]).pow(2).mean().sqrt().item() * scale.item()
        print(f"epoch {epoch + 1} train {total / len(loader):.4f} val {val:.4f} rmse {rmse:.4f} stars")
    print(f"final rmse {rmse:.4f}")


if __name__ == "__main__":
    main()
