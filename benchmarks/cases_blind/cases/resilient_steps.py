"""Letters with the optimiser of the old toolbox: resilient back-propagation."""

import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed

seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
train_x, train_y, test_x, test_y = x[:4000], y[:4000], x[4000:], y[4000:]
net = nn.Sequential(nn.Linear(16, 80), nn.Tanh(), nn.Linear(80, 26))
optimizer = torch.optim.Rprop(net.parameters(), lr=0.01)
size = len(train_x) if FIXED else 16
epochs = 150 if FIXED else 6


def accuracy():
    with torch.no_grad():
        return (net(test_x).argmax(1) == test_y).float().mean().item()


for epoch in range(epochs):
    for b in torch.randperm(len(train_x)).split(size):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(train_x[b]), train_y[b])
        loss.backward()
        optimizer.step()
    if epoch % (epochs // 6) == 0:
        print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {accuracy():.4f}")
finish("accuracy", accuracy())
