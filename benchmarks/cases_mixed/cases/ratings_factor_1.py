"""Film ratings from latent factors (simulated viewers)."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import seed_all

USERS, FILMS, N = 150, 100, 9000


def ratings():
    u, f = 0.8 * torch.randn(USERS, 3), 0.8 * torch.randn(FILMS, 3)
    cells = torch.randperm(USERS * FILMS)[:N]
    i, j = cells // FILMS, cells % FILMS
    taste = (u[i] * f[j]).sum(1) + 0.5 * torch.randn(USERS)[i] + 0.7 * torch.randn(FILMS)[j]
    return i, j, 3.4 + taste + 0.4 * torch.randn(N)


class Recommender(nn.Module):
    def __init__(self, dim=4, mean=0.0):
        super().__init__()
        self.user, self.film = nn.Embedding(USERS, dim), nn.Embedding(FILMS, dim)
        self.user_bias, self.film_bias = nn.Embedding(USERS, 1), nn.Embedding(FILMS, 1)
        for e in (self.user, self.film):
            nn.init.normal_(e.weight, std=0.3)
        for e in (self.user_bias, self.film_bias):
            nn.init.zeros_(e.weight)
        self.mean = nn.Parameter(torch.tensor(float(mean)))

    def forward(self, i, j):
        dot = (self.user(i) * self.film(j)).sum(1)
        return self.mean + dot + self.user_bias(i).squeeze(1) + self.film_bias(j).squeeze(1)


def main():
    seed_all()
    i, j, r = ratings()
    cut = 7500
    train = DataLoader(TensorDataset(i[:cut], j[:cut], r[:cut]), batch_size=64, shuffle=True)
    net, mse = Recommender(mean=r[:cut].mean()), nn.MSELoss()
    opt = torch.optim.Adam(net.parameters(), lr=1e-2, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 15)
    for epoch in range(15):
        net.train()
        total = 0.0
        for a, b, y in train:
            opt.zero_grad()
            loss = mse(net(a, b), y)
            loss.backward()
            opt.step()
            total += loss.item()
        sched.step()
        net.eval()
        with torch.no_grad():
            val = mse(net(i[cut:], j[cut:]), r[cut:]).item()
        r2 = 1 - val / r[cut:].var().item()
        print(f"epoch {epoch + 1}: train {total / len(train):.4f} val {val:.4f} r2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
