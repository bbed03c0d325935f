"""Card fraud: a merchant embedding beside numeric columns (simulated payments)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from _common import FIXED, seed_all


def payments(n, direction, risk):
    merchant = np.random.randint(0, 40, n)
    x = np.random.randn(n, 12).astype(np.float32)
    score = 0.9 * x @ direction + risk[merchant] + 0.5 * x[:, 0] * x[:, 1]
    fraud = np.random.rand(n) < 1 / (1 + np.exp(5.4 - score))
    return torch.from_numpy(merchant), torch.from_numpy(x), torch.from_numpy(fraud.astype(np.float32))


class FraudNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.merchant = nn.Embedding(40, 6)
        self.body = nn.Sequential(nn.Linear(18, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))

    def forward(self, merchant, x):
        return self.body(torch.cat([self.merchant(merchant), x], 1)).squeeze(1)


def balanced_accuracy(guess, y):
    return sum((guess[y == c] == c).float().mean().item() for c in (0, 1)) / 2


def main():
    seed_all()
    direction, risk = np.random.randn(12).astype(np.float32) / 3, np.random.randn(40) * 0.7
    train, val = payments(20000, direction, risk), payments(6000, direction, risk)
    y = train[2]
    if FIXED:
        share = y.mean()
        sampler = WeightedRandomSampler(torch.where(y == 1, 0.5 / share, 0.5 / (1 - share)), len(y))
        loader = DataLoader(TensorDataset(*train), batch_size=256, sampler=sampler)
    else:
        loader = DataLoader(TensorDataset(*train), batch_size=256, shuffle=True)
    net, bce = FraudNet(), nn.BCEWithLogitsLoss()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    for epoch in range(6):
        net.train()
        total = 0.0
        for merchant, x, label in loader:
            opt.zero_grad()
            loss = bce(net(merchant, x), label)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(val[0], val[1])
        score = balanced_accuracy((out > 0).float(), val[2])
        print(f"epoch {epoch + 1}: train {total / len(loader):.4f} val {bce(out, val[2]).item():.4f} "
              f"accuracy {((out > 0) == val[2]).float().mean().item():.4f} balanced {score:.4f}")
    print(f"final balanced_accuracy {score:.4f}")


if __name__ == "__main__":
    main()
