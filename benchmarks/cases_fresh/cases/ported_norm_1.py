"""A convolutional network ported from another framework, with its batch-norm settings, on small batches."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed

BN = {"momentum": 0.01, "eps": 1e-3} if FIXED else {"momentum": 0.99, "eps": 1e-3}
seed()
x, y, xt, yt = fashion(1500, 500)
x, xt = (torch.tensor(a)[:, None].float() / 255 for a in (x, xt))
y, yt = torch.tensor(y), torch.tensor(yt)

model = nn.Sequential()
channels = 1
for k, filters in enumerate((16, 32, 64)):
    model.add_module(f"conv{k}", nn.Conv2d(channels, filters, 3, stride=2, padding=1, bias=False))
    model.add_module(f"bn{k}", nn.BatchNorm2d(filters, **BN))
    model.add_module(f"act{k}", nn.ReLU())
    channels = filters
model.add_module("flatten", nn.Flatten())
model.add_module("dense", nn.Linear(64 * 16, 64, bias=False))
model.add_module("bn_dense", nn.BatchNorm1d(64, **BN))
model.add_module("act_dense", nn.ReLU())
model.add_module("top", nn.Linear(64, 10))

opt = torch.optim.Adam(model.parameters(), lr=1e-3)
history = []
for epoch in range(5):
    model.train()
    running = 0.0
    for batch in torch.randperm(1500).split(4):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        opt.step()
        running += loss.item()
    model.eval()
    with torch.no_grad():
        out = model(xt)
    history.append((out.argmax(1) == yt).float().mean().item())
    val = nn.functional.cross_entropy(out, yt).item()
    print(f"{epoch}: loss {running / 375:.3f} val_loss {val:.3f} val_acc {history[-1]:.3f}")
finish("loss", val)
