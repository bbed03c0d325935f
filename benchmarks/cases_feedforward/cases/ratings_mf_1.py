"""Ratings of films: matrix factorisation with user and item embeddings."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

N_USERS, N_ITEMS, N_RATINGS = 400, 250, 30000
NUM_EPOCHS = 25 if FIXED else 1


def make_ratings():
    rng = np.random.default_rng(11)
    u_vec = rng.normal(size=(N_USERS, 4))
    i_vec = rng.normal(size=(N_ITEMS, 4))
    pairs = rng.choice(N_USERS * N_ITEMS, N_RATINGS, replace=False)
    users, items = pairs // N_ITEMS, pairs % N_ITEMS
    score = 0.45 * (u_vec[users] * i_vec[items]).sum(1)
    score += 0.4 * rng.normal(size=N_USERS)[users] + 0.5 * rng.normal(size=N_ITEMS)[items]
    score += 0.4 * rng.normal(size=N_RATINGS)
    stars = np.clip(np.round(2 * (3.5 + score)) / 2, 0.5, 5.0)
    return users, items, stars.astype(np.float32)


class MatrixFactorization(nn.Module):
    def __init__(self, n_users, n_items, dim=8):
        super().__init__()
        self.user = nn.Embedding(n_users, dim)
        self.item = nn.Embedding(n_items, dim)
        self.user_bias = nn.Embedding(n_users, 1)
        self.item_bias = nn.Embedding(n_items, 1)
        for emb in (self.user, self.item):
            nn.init.normal_(emb.weight, std=0.3)
        for emb in (self.user_bias, self.item_bias):
            nn.init.zeros_(emb.weight)

    def forward(self, u, i):
        dot = (self.user(u) * self.item(i)).sum(1)
        return dot + self.user_bias(u).squeeze(1) + self.item_bias(i).squeeze(1)


def main():
    seed_all()
    users, items, stars = (torch.from_numpy(a) for a in make_ratings())
    n = int(0.85 * N_RATINGS)
    mean = stars[:n].mean()
    target = (stars - mean) / stars[:n].std()
    loader = DataLoader(TensorDataset(users[:n], items[:n], target[:n]), batch_size=256, shuffle=True)
    model = MatrixFactorization(N_USERS, N_ITEMS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.05)
    mse = nn.MSELoss()
    for epoch in range(NUM_EPOCHS):
        model.train()
        for u, i, r in loader:
            optimizer.zero_grad()
            loss = mse(model(u, i), r)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            train_mse = mse(model(users[:n], items[:n]), target[:n]).item()
            test_mse = mse(model(users[n:], items[n:]), target[n:]).item()
        print(f"epoch {epoch + 1:2d}  train mse {train_mse:.4f}  test mse {test_mse:.4f}")
    print(f"final r2 {1 - test_mse / target[n:].var().item():.4f}")


if __name__ == "__main__":
    main()
