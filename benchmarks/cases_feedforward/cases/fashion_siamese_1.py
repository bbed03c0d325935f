"""Siamese network: are two pieces of clothing of the same kind? Contrastive loss."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, SEED, seed_all

MARGIN = 1.0


class Pairs(Dataset):
    def __init__(self, x, y, n_pairs, seed):
        rng = np.random.RandomState(seed)
        self.x, self.same = x, torch.arange(n_pairs) % 2
        by_class = [np.flatnonzero(y == c) for c in range(10)]
        self.pairs = []
        for k in range(n_pairs):
            a, b = rng.choice(10, 2, replace=False)
            if self.same[k]:
                b = a
            self.pairs.append((rng.choice(by_class[a]), rng.choice(by_class[b])))

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, k):
        i, j = self.pairs[k]
        return self.x[i], self.x[j], self.same[k].float()


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, x):
        return self.net(x.flatten(1))


class ContrastiveLoss(nn.Module):
    def forward(self, d, same):
        return (same * d.pow(2) + (1 - same) * F.relu(MARGIN - d).pow(2)).mean()


def evaluate(encoder, loader):
    encoder.eval()
    right = n = 0
    with torch.no_grad():
        for a, b, same in loader:
            d = F.pairwise_distance(encoder(a), encoder(b))
            right += ((d < MARGIN / 2).float() == same).sum().item()
            n += len(same)
    return right / n


def main():
    seed_all()
    d = np.load(SAMPLES / "fashion.npz")
    x_train = (torch.from_numpy(d["x_train"]).float() / 255 - 0.286) / 0.353
    x_test = (torch.from_numpy(d["x_test"]).float() / 255 - 0.286) / 0.353
    train = DataLoader(Pairs(x_train, d["y_train"], 8000, SEED), batch_size=64, shuffle=True)
    test = DataLoader(Pairs(x_test, d["y_test"], 2000, 99), batch_size=250)
    encoder = Encoder()
    criterion = ContrastiveLoss()
    optimizer = torch.optim.SGD(encoder.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(8):
        encoder.train()
        total = 0.0
        for a, b, same in train:
            if FIXED:
                optimizer.zero_grad()
            loss = criterion(F.pairwise_distance(encoder(a), encoder(b)), same)
            loss.backward()
            optimizer.step()
            total += loss.item()
        acc = evaluate(encoder, test)
        print(f"epoch {epoch}: contrastive loss {total / len(train):.4f}  pair accuracy {acc:.4f}")
    print(f"final pair_accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
