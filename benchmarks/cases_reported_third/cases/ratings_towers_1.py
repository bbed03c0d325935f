"""Two towers for simulated film ratings: who will like what?"""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

from _common import seed_all

USERS, ITEMS, RATINGS = 300, 200, 24000


def simulate():
    age, sex = np.random.randn(USERS), np.random.randint(0, 2, USERS)
    genre, year = np.random.randint(0, 6, ITEMS), np.random.randn(ITEMS)
    taste = np.random.randn(USERS, 4) * 0.5 + 0.4 * age[:, None]
    style = np.random.randn(6, 4)[genre] * 0.6 + np.random.randn(ITEMS, 4) * 0.25 + 0.3 * year[:, None]
    bias_u, bias_i = np.random.randn(USERS) * 0.3, np.random.randn(ITEMS) * 0.4
    pairs = np.random.choice(USERS * ITEMS, RATINGS, replace=False)
    u, i = pairs // ITEMS, pairs % ITEMS
    stars = 3.4 + bias_u[u] + bias_i[i] + (taste[u] * style[i]).sum(1) + np.random.randn(RATINGS) * 0.4
    user_info = np.column_stack([age, sex - 0.5]).astype(np.float32)
    item_info = np.column_stack([np.eye(6)[genre], year]).astype(np.float32)
    return u, i, np.clip(stars, 0.5, 6.0).astype(np.float32), user_info, item_info


class Ratings(Dataset):
    def __init__(self, u, i, r):
        self.u, self.i, self.r = torch.from_numpy(u), torch.from_numpy(i), torch.from_numpy(r)

    def __len__(self):
        return len(self.r)

    def __getitem__(self, k):
        return self.u[k], self.i[k], self.r[k]


class Tower(nn.Module):
    def __init__(self, n, info, dim=8, out=8):
        super().__init__()
        self.register_buffer("info", torch.from_numpy(info))
        self.embed = nn.Embedding(n, dim)
        self.bias = nn.Embedding(n, 1)
        nn.init.normal_(self.embed.weight, std=0.1)
        nn.init.zeros_(self.bias.weight)
        self.net = nn.Sequential(nn.Linear(dim + info.shape[1], 24), nn.LeakyReLU(0.1), nn.Linear(24, out))

    def forward(self, k):
        return self.net(torch.cat([self.embed(k), self.info[k]], dim=1)), self.bias(k).squeeze(1)


class TwoTowers(nn.Module):
    def __init__(self, user_info, item_info, mean):
        super().__init__()
        self.users, self.items = Tower(USERS, user_info), Tower(ITEMS, item_info)
        self.mean = nn.Parameter(torch.tensor(float(mean)))

    def forward(self, u, i):
        (a, ba), (b, bb) = self.users(u), self.items(i)
        return self.mean + ba + bb + (a * b).sum(1)


def main():
    seed_all()
    u, i, stars, user_info, item_info = simulate()
    cut = int(0.85 * RATINGS)
    train = DataLoader(Ratings(u[:cut], i[:cut], stars[:cut]), batch_size=128, shuffle=True)
    held = Ratings(u[cut:], i[cut:], stars[cut:])
    model = TwoTowers(user_info, item_info, stars[:cut].mean())
    tables = [p for n, p in model.named_parameters() if "embed" in n or "bias.weight" in n and ".net." not in n]
    chosen = {id(p) for p in tables}
    optimizer = torch.optim.AdamW([{"params": tables, "weight_decay": 0.05, "lr": 4e-3},
                                   {"params": [p for p in model.parameters() if id(p) not in chosen], "weight_decay": 1e-3}], lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.4)
    loss_fn = nn.MSELoss()
    for epoch in range(16):
        model.train()
        total = 0.0
        for a, b, r in train:
            optimizer.zero_grad()
            loss = loss_fn(model(a, b), r)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(r)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            mse = loss_fn(model(held.u, held.i), held.r).item()
        print(f"epoch {epoch + 1}: train rmse {(total / cut) ** 0.5:.4f} held-out rmse {mse ** 0.5:.4f}")
    print(f"final r2 {1 - mse / held.r.var().item():.4f}")


if __name__ == "__main__":
    main()
