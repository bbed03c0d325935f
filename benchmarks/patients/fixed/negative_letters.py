"""Letters, as it should be."""

import torch
from torch import nn

from patients.material import accuracy, mlp
from patients.real import letters

BATCH, EPOCHS = 64, 15
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    x, y, x_valid, y_valid = letters()
    return x / 15, y, x_valid / 15, y_valid


def model():
    return mlp(16, 64, 64, 26)


def optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=3e-3)
