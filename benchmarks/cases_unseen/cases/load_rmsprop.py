"""Day-ahead load with an LSTM encoder and RMSprop; 24 outputs at once."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, load, r2, seed

seed()
series = load()[:4800]
train_end = 3600
z = torch.tensor((series - series[:train_end].mean()) / series[:train_end].std())


def windows(first, last, step):
    starts = np.arange(first, last - 72, step)
    past = torch.stack([z[s : s + 48] for s in starts])
    ahead = torch.stack([z[s + 48 : s + 72] for s in starts])
    return past.reshape(len(starts), 24, 2), ahead


class Seq2Vec(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 48, batch_first=True)
        self.head = nn.Linear(48, 24)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


train_x, train_y = windows(0, train_end, 3)
test_x, test_y = windows(train_end, len(series), 5)
model = Seq2Vec()
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.002 if FIXED else 0.15)
history = []
for epoch in range(15):
    for idx in torch.randperm(len(train_x)).split(16):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(train_x[idx]), train_y[idx])
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    with torch.no_grad():
        val = nn.functional.mse_loss(model(test_x), test_y).item()
    print(f"epoch {epoch}: train {np.mean(history[-70:]):.4f} val {val:.4f}")
with torch.no_grad():
    finish("r2", r2(model(test_x), test_y))
