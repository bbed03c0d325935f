"""LSTM that predicts the next return of a synthetic stock from a window of past returns and volumes."""
import numpy as np
import torch
from torch import nn

from _common import FIXED, seed_all

WINDOW = 20


def market(days=3000):
    rng = np.random.RandomState(12)
    volume = rng.normal(0, 1, days)
    ret = np.zeros(days)
    for d in range(2, days):
        ret[d] = 0.35 * ret[d - 1] - 0.2 * ret[d - 2] + 0.3 * np.tanh(volume[d - 1]) + rng.normal(0, 0.7)
    return np.stack([ret, volume], axis=1).astype("float32")


def make_windows(table):
    xs, ys = [], []
    for i in range(WINDOW, len(table)):
        if FIXED:
            xs.append(table[i - WINDOW:i])
        else:
            xs.append(table[i - WINDOW + 1:i + 1])
        ys.append(table[i, 0])
    return torch.tensor(np.stack(xs)), torch.tensor(np.array(ys))


class StockLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 24, batch_first=True)
        self.fc = nn.Linear(24, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1]).squeeze(-1)


seed_all()
table = market()
n = 2300
table = (table - table[:n].mean(0)) / table[:n].std(0)
x_train, y_train = make_windows(table[:n])
x_test, y_test = make_windows(table[n:])
model = StockLSTM()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.MSELoss()
for epoch in range(6):
    model.train()
    order, losses = torch.randperm(len(x_train)), []
    for i in range(0, len(order), 32):
        idx = order[i:i + 32]
        loss = loss_fn(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        p = model(x_test)
    r2 = (1 - ((p - y_test) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum()).item()
    print(f"epoch {epoch + 1}: train mse {np.mean(losses):.4f}, test r2 {r2:.4f}")
print(f"final r2 {r2:.4f}")
