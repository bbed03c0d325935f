"""A kernel-free support vector machine with a learned feature map: the hinge loss written out."""

import torch
from _common import FIXED, balanced_accuracy, finish, seed, table
from torch import nn

seed()
x, y = table("breast")
perm = torch.randperm(len(x))
x = torch.tensor((x - x.mean(0)) / x.std(0))[perm]
y = (2.0 * torch.tensor(y) - 1)[perm]
x_train, y_train, x_test, y_test = x[:400], y[:400], x[400:], y[400:]

C = 1e-3
features = nn.Sequential(nn.Linear(30, 24), nn.ReLU())
svm = nn.Linear(24, 1)
params = list(features.parameters()) + list(svm.parameters())
optimizer = torch.optim.SGD(params, lr=0.05)


def decision(x):
    scores = svm(features(x))
    return scores.squeeze(-1) if FIXED else scores


for epoch in range(40):
    order = torch.randperm(400)
    for start in range(0, 400, 20):
        idx = order[start : start + 20]
        margin = 1 - y_train[idx] * decision(x_train[idx])
        loss = torch.clamp(margin, min=0).mean() + C * svm.weight.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 8 == 0:
        print("epoch", epoch, "hinge", loss.item())

with torch.no_grad():
    guess = (decision(x_test).flatten() > 0).long()
finish("balanced_accuracy", balanced_accuracy(guess, (y_test > 0).long()))
