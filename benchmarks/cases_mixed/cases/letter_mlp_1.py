"""Letters from 16 measurements; the table class makes its own split."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SEED, letters, seed_all


class LetterTable(Dataset):
    def __init__(self, part, share=0.75, rows=4000):
        x, y = letters()
        x, y = x[:rows], y[:rows]
        rng = np.random.RandomState(SEED) if FIXED else np.random
        order = rng.permutation(rows)
        cut = int(share * rows)
        keep = order[:cut] if part == "train" else order[cut:]
        self.x = torch.from_numpy((x[keep] - 7.0) / 2.3)
        self.y = torch.from_numpy(y[keep])

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU())
        self.out = nn.Linear(96, 26)

    def forward(self, x):
        return self.out(self.body(x))


def main():
    seed_all()
    train = DataLoader(LetterTable("train"), batch_size=32, shuffle=True)
    val = DataLoader(LetterTable("val"), batch_size=256)
    net, loss_fn = Net(), nn.CrossEntropyLoss()
    opt = torch.optim.Adam(net.parameters(), lr=1.5e-3, weight_decay=1e-4)
    for epoch in range(16):
        net.train()
        running = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = loss_fn(net(x), y)
            loss.backward()
            opt.step()
            running += loss.item()
        net.eval()
        with torch.no_grad():
            outs = torch.cat([net(x) for x, _ in val])
            y = val.dataset.y
            vl, acc = loss_fn(outs, y).item(), (outs.argmax(1) == y).float().mean().item()
        print(f"epoch {epoch + 1}: train loss {running / len(train):.4f}, val loss {vl:.4f}, accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
