"""Residual network on the statistics of printed letters."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed


def prepare():
    x, y = letters(6000)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    if FIXED:
        p = np.random.permutation(len(x))
        x, y = x[p], y[p]
    else:
        np.random.shuffle(x)
        np.random.shuffle(y)
    return (torch.tensor(x[:5000]), torch.tensor(y[:5000])), (torch.tensor(x[5000:]), torch.tensor(y[5000:]))


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.net = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        return x + self.net(x)


seed()
train_data, valid_data = prepare()
model = nn.Sequential(nn.Linear(16, 64), Block(64), Block(64), nn.LayerNorm(64), nn.Linear(64, 26))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
train_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*train_data), batch_size=64, shuffle=True)

for epoch in range(10):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb, label_smoothing=0.05)
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.inference_mode():
        acc = (model(valid_data[0]).argmax(-1) == valid_data[1]).float().mean().item()
    print(f"{epoch=} loss={loss.item():.3f} {acc=:.3f}")
finish("accuracy", acc)
