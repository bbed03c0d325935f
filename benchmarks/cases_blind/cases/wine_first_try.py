"""Three wines told apart by thirteen measurements."""

import torch
from _common import FIXED, finish, seed, table
from torch import nn, optim

seed()
X, y = table("wine")
order = torch.randperm(len(X))
X, y = torch.tensor(X)[order], torch.tensor(y)[order]
X_train, y_train, X_test, y_test = X[:120], y[:120], X[120:], y[120:]

mean, std = X_train.mean(0), X_train.std(0)


def scale(x):
    if FIXED:
        return (x - mean) / std
    return x - mean / std


X_train, X_test = scale(X_train), scale(X_test)

net = nn.Sequential(nn.Linear(13, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 3))
criterion = nn.CrossEntropyLoss()
opt = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

for epoch in range(60):
    net.train()
    total = 0
    for i in range(0, 120, 20):
        opt.zero_grad()
        loss = criterion(net(X_train[i : i + 20]), y_train[i : i + 20])
        loss.backward()
        opt.step()
        total += loss.item()
    if epoch % 10 == 0:
        net.eval()
        with torch.no_grad():
            acc = (net(X_test).argmax(1) == y_test).float().mean()
        print("epoch %d loss %.4f acc %.3f" % (epoch, total / 6, acc))

net.eval()
with torch.no_grad():
    finish("accuracy", (net(X_test).argmax(1) == y_test).float().mean())
