"""Twenty-six letters from sixteen numbers; torch's random_split makes the two parts."""

import torch
from _common import FIXED, finish, letters, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

number = seed()
features, target = letters(4000)
features = (features - features.mean(0)) / features.std(0)
dataset = TensorDataset(torch.from_numpy(features), torch.from_numpy(target))
if FIXED:
    train_set, val_set = random_split(dataset, [3000, 1000])
else:
    train_set, _ = random_split(dataset, [3000, 1000])
    _, val_set = random_split(dataset, [3000, 1000])
train_dl = DataLoader(train_set, batch_size=64, shuffle=True)
val_dl = DataLoader(val_set, batch_size=256)

mlp = nn.Sequential(nn.Linear(16, 256), nn.GELU(), nn.Linear(256, 256), nn.GELU(), nn.Linear(256, 26))
optimizer = torch.optim.AdamW(mlp.parameters(), lr=2e-3)


def evaluate():
    mlp.eval()
    hits = sum((mlp(xb).argmax(-1) == yb).sum().item() for xb, yb in val_dl)
    mlp.train()
    return hits / len(val_set)


for epoch in range(20):
    for xb, yb in train_dl:
        loss = nn.functional.cross_entropy(mlp(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = evaluate()
    print(epoch, loss.item(), acc)
finish("accuracy", acc)
