"""GunPoint with 120 training series and a lot of augmentation (shift, scale, jitter, dropout of stretches)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import SAMPLES, seed_all


def load_ts(name):
    x, y = [], []
    for line in open(f"{SAMPLES}/{name}.ts"):
        if line[0] not in "#@" and line.strip():
            values, label = line.strip().rsplit(":", 1)
            x.append(np.array(values.split(","), dtype="float32"))
            y.append(int(label) - 1)
    return np.stack(x), np.array(y)


class Augmented(Dataset):
    def __init__(self, x, y):
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        x = torch.roll(self.x[i], int(torch.randint(-8, 9, (1,))))
        x = x * (1 + 0.1 * torch.randn(1)) + 0.05 * torch.randn_like(x)
        if torch.rand(1) < 0.3:
            s = int(torch.randint(0, 140, (1,)))
            x[s:s + 10] = x[s]
        return x.unsqueeze(0), self.y[i]


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        def block(a, b, k):
            return nn.Sequential(nn.Conv1d(a, b, k, stride=2, padding=k // 2), nn.BatchNorm1d(b), nn.ReLU())
        self.body = nn.Sequential(block(1, 16, 9), block(16, 32, 7), block(32, 32, 5))
        self.head = nn.Linear(64, 2)

    def forward(self, x):
        h = self.body(x)
        return self.head(torch.cat([h.mean(-1), h.amax(-1)], 1))


def main():
    seed_all()
    (a, ya), (b, yb) = load_ts("GunPoint_TRAIN"), load_ts("GunPoint_TEST")
    x, y = np.concatenate([a, b]), np.concatenate([ya, yb])
    order = np.random.RandomState(5).permutation(len(x))
    x, y = x[order], y[order]
    loader = DataLoader(Augmented(x[:120], y[:120]), batch_size=16, shuffle=True)
    xt, yt = torch.from_numpy(x[120:]).unsqueeze(1), torch.from_numpy(y[120:])
    net = ConvNet()
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    epochs = 40
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        sched.step()
        net.eval()
        with torch.no_grad():
            acc = (net(xt).argmax(1) == yt).float().mean().item()
        if (epoch + 1) % 5 == 0:
            print(f"epoch {epoch + 1}: loss {total / len(loader):.4f} test accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
