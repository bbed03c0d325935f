"""Course work 2: fit a sum of sines with a network and plot the fit."""

import numpy as np
import torch
from _common import FIXED, finish, r2, seed

seed()
rng = np.random.default_rng(6)
t = np.sort(rng.uniform(-1, 1, 1200))
signal = np.sin(9 * t) + 0.6 * np.sin(21 * t + 0.5)
x = torch.tensor(t, dtype=torch.float32).reshape(-1, 1)
y = torch.tensor(signal + 0.05 * rng.normal(size=1200), dtype=torch.float32).reshape(-1, 1)
pick = torch.tensor(rng.permutation(1200))
x_train, y_train, x_test, y_test = x[pick[:900]], y[pick[:900]], x[pick[900:]], y[pick[900:]]

HIDDEN = 64 if FIXED else 2
model = torch.nn.Sequential()
model.add_module("dense1", torch.nn.Linear(1, HIDDEN))
model.add_module("act1", torch.nn.Tanh())
model.add_module("dense2", torch.nn.Linear(HIDDEN, HIDDEN))
model.add_module("act2", torch.nn.Tanh())
model.add_module("output", torch.nn.Linear(HIDDEN, 1))

loss_fn = torch.nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
n_epochs, batch_size = 150, 45
for epoch in range(n_epochs):
    shuffled = torch.randperm(len(x_train))
    for i in range(0, len(x_train), batch_size):
        xb, yb = x_train[shuffled[i : i + batch_size]], y_train[shuffled[i : i + batch_size]]
        y_pred = model(xb)
        loss = loss_fn(y_pred, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 25 == 0:
        print(f"Finished epoch {epoch}, latest loss {loss.item():.4f}")
with torch.no_grad():
    finish("r2", r2(model(x_test), y_test))
