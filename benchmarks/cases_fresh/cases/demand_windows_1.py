"""The load of the next six hours from windows of a day, with a wide MLP."""

import numpy as np
import torch
from _common import FIXED, finish, load, r2, seed
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

seed()
values = load()[:2600]
values = (values - values.mean()) / values.std()
width, ahead = 24, 6
starts = range(0, len(values) - width - ahead)
pairs = [(values[s : s + width], values[s + width : s + width + ahead]) for s in starts]
data = TensorDataset(torch.tensor(np.stack([p[0] for p in pairs])), torch.tensor(np.stack([p[1] for p in pairs])))
if FIXED:
    last = int(0.8 * len(data))
    train_part, val_part = Subset(data, range(last - width - ahead)), Subset(data, range(last, len(data)))
else:
    order = torch.randperm(len(data)).tolist()
    train_part, val_part = Subset(data, order[: int(0.8 * len(data))]), Subset(data, order[int(0.8 * len(data)) :])


class MLP(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.nn.functional.leaky_relu(layer(x))
        return self.layers[-1](x)


model = MLP([width, 256, 256, ahead])
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(25):
    model.train()
    for x, y in DataLoader(train_part, batch_size=64, shuffle=True):
        opt.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        x, y = next(iter(DataLoader(val_part, batch_size=len(val_part))))
        score = r2(model(x), y).item()
    print(f"{epoch:3d} {loss.item():.4f} {score:.4f}")
finish("r2", score)
