"""Linear rings, as it should be."""

import torch
from torch import nn

from patients.material import accuracy, mlp, rings

BATCH, EPOCHS = 32, 20
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    return rings()


def model():
    return mlp(2, 48, 48, 3)


def optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=3e-3)
