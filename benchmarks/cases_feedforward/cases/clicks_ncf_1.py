"""Clicks of users on items: embeddings and a dense network. People are fickle, clicks are noisy."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import seed_all

USERS, ITEMS, EVENTS = 300, 120, 24000


def simulate():
    rng = np.random.default_rng(21)
    taste = rng.integers(0, 4, USERS)
    genre = rng.integers(0, 4, ITEMS)
    affinity = 1.6 * rng.normal(size=(4, 4))
    popularity = 0.7 * rng.normal(size=ITEMS)
    pairs = rng.choice(USERS * ITEMS, EVENTS, replace=False)
    users, items = pairs // ITEMS, pairs % ITEMS
    logit = affinity[taste[users], genre[items]] + popularity[items]
    clicks = rng.random(EVENTS) < 1 / (1 + np.exp(-logit))
    return torch.from_numpy(users), torch.from_numpy(items), torch.from_numpy(clicks.astype(np.float32))


class NCF(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.users = nn.Embedding(USERS, dim)
        self.items = nn.Embedding(ITEMS, dim)
        self.mlp = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * dim, 32), nn.ReLU(), nn.Linear(32, 1))
        nn.init.normal_(self.users.weight, std=0.2)
        nn.init.normal_(self.items.weight, std=0.2)

    def forward(self, u, i):
        return self.mlp(torch.cat([self.users(u), self.items(i)], dim=1)).squeeze(1)


def main():
    seed_all()
    users, items, clicks = simulate()
    n = 20000
    train = DataLoader(TensorDataset(users[:n], items[:n], clicks[:n]), batch_size=256, shuffle=True)
    model = NCF()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    for epoch in range(10):
        model.train()
        total = 0.0
        for u, i, y in train:
            optimizer.zero_grad()
            loss = criterion(model(u, i), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            out = model(users[n:], items[n:])
            test_loss = criterion(out, clicks[n:]).item()
            acc = ((out > 0).float() == clicks[n:]).float().mean().item()
        print(f"epoch {epoch + 1}: train {total / len(train):.4f} test {test_loss:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
