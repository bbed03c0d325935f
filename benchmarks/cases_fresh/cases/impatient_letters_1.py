"""Letters with a callback for early stopping, as in Keras."""

import torch
from _common import FIXED, finish, letters, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class EarlyStopping:
    def __init__(self, patience, min_delta):
        self.patience, self.min_delta = patience, min_delta
        self.best, self.waited, self.stop = float("inf"), 0, False

    def on_epoch_end(self, val_loss):
        if val_loss < self.best - self.min_delta:
            self.best, self.waited = val_loss, 0
        else:
            self.waited += 1
            self.stop = self.waited >= self.patience


seed()
x, y = letters(6000)
x = torch.tensor((x - x[:4500].mean(0)) / x[:4500].std(0))
y = torch.tensor(y)
train = DataLoader(TensorDataset(x[:4500], y[:4500]), batch_size=100, shuffle=True)
model = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 26))
opt = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
early = EarlyStopping(patience=3, min_delta=1e-4) if FIXED else EarlyStopping(patience=1, min_delta=0.4)
for epoch in range(40):
    model.train()
    for xb, yb in train:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        out = model(x[4500:])
        val_loss = nn.functional.cross_entropy(out, y[4500:]).item()
        acc = (out.argmax(1) == y[4500:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} val_loss {val_loss:.3f} val_acc {acc:.3f}")
    early.on_epoch_end(val_loss)
    if early.stop:
        print("stopped early")
        break
finish("accuracy", acc)
