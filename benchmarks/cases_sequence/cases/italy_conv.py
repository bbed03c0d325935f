"""Winter or summer? Power demand of a day, 1-D CNN with batch normalisation."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


def read_ts(name):
    xs, ys = [], []
    for line in open(f"{SAMPLES}/{name}.ts"):
        if line[0] in "#@" or not line.strip():
            continue
        values, label = line.strip().rsplit(":", 1)
        xs.append([float(v) for v in values.split(",")])
        ys.append(int(label) - 1)
    return np.array(xs, dtype="float32"), np.array(ys)


def conv_block(cin, cout, k):
    return nn.Sequential(nn.Conv1d(cin, cout, k, padding=k // 2), nn.BatchNorm1d(cout), nn.ReLU(), nn.Dropout(0.2))


class FCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv_block(1, 32, 7), conv_block(32, 64, 5), conv_block(64, 32, 3))
        self.head = nn.Linear(32, 2)

    def forward(self, x):
        return self.head(self.body(x).mean(dim=2))


def test(model, loader):
    if FIXED:
        model.eval()
    hits = 0
    with torch.no_grad():
        for x, y in loader:
            hits += (model(x).argmax(1) == y).sum().item()
    return hits / len(loader.dataset)


seed_all()
a, b = read_ts("ItalyPowerDemand_TRAIN"), read_ts("ItalyPowerDemand_TEST")
x = torch.tensor(np.concatenate([a[0], b[0]])).unsqueeze(1)
y = torch.tensor(np.concatenate([a[1], b[1]]))
order = torch.randperm(len(x), generator=torch.Generator().manual_seed(3))
x, y = x[order], y[order]
train_loader = DataLoader(TensorDataset(x[:700], y[:700]), batch_size=32, shuffle=True)
test_loader = DataLoader(TensorDataset(x[700:], y[700:]), batch_size=1)

model = FCN()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(8):
    model.train()
    loss_sum = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(xb)
    acc = test(model, test_loader)
    print(f"[{epoch + 1}] loss {loss_sum / 700:.4f} test accuracy {acc:.4f}")
print(f"final accuracy {acc:.4f}")
