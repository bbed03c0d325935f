"""Regression with outputs (N, 1) against targets (N,)."""
from _common import *
from torch import nn

seed()
series = load()
series = (series - series[:6000].mean()) / series[:6000].std()
x, y = windows(series)
x = x[..., 0]
x, y, xt, yt = x[:5000], y[:5000], x[7000:8000], y[7000:8000]
if FIXED:
    y, yt = y[:, None], yt[:, None]
net = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
loss_fn = nn.MSELoss()
import warnings

warnings.filterwarnings("ignore")
for epoch in range(10):
    for rows in torch.randperm(len(x)).split(64):
        pred = net(x[rows])
        loss = loss_fn(pred, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, loss.item(), loss_fn(net(xt), yt).item())
