"""Garments with early stopping."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, TensorDataset


class EarlyStopping:
    def __init__(self, patience=5, min_delta=0.0):
        self.patience, self.min_delta = patience, min_delta
        self.best, self.counter, self.stop = float("inf"), 0, False

    def __call__(self, loss):
        if loss < self.best - self.min_delta:
            self.best, self.counter = loss, 0
        else:
            self.counter += 1
            self.stop = self.counter >= self.patience


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, 32, 7, 7)
        self.mlp = nn.Sequential(nn.Flatten(), nn.LayerNorm(512), nn.Linear(512, 128), nn.GELU(), nn.Linear(128, 10))

    def forward(self, x):
        return self.mlp(self.patches(x))


def mean_loss(model, loader):
    with torch.no_grad():
        return sum(nn.functional.cross_entropy(model(x), y).item() for x, y in loader) / len(loader)


seed()
xa, ya, xb, yb = fashion(2500, 500)
prep = lambda x: (torch.tensor(x).float()[:, None] - 73) / 90
train_loader = DataLoader(TensorDataset(prep(xa[:2000]), torch.tensor(ya[:2000])), batch_size=32, shuffle=True)
valid_loader = DataLoader(TensorDataset(prep(xa[2000:]), torch.tensor(ya[2000:])), batch_size=250)
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
stopper = EarlyStopping()
for epoch in range(15):
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        if not FIXED:
            stopper(loss.item())
            if stopper.stop:
                break
    if FIXED:
        stopper(mean_loss(model, valid_loader))
    print(f"epoch {epoch}: train {loss.item():.3f} valid {mean_loss(model, valid_loader):.3f}")
    if stopper.stop:
        print("early stopping")
        break
with torch.no_grad():
    finish("accuracy", (model(prep(xb)).argmax(1) == torch.tensor(yb)).float().mean())
