"""Poisoned table, five samples with values that a broken sensor gave."""

import torch
from torch import nn

from patients.material import mlp, r2, table

BATCH, EPOCHS = 32, 20
score = r2
loss = nn.MSELoss()


def data():
    x, y, *valid = table()
    x, y = x.clone(), y.clone()
    x[100:500:80, 3], y[100:500:80] = 2e5, -3e4
    return x, y, *valid


def model():
    return mlp(8, 64, 64, 1)


def optimizer(net):
    return torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
