"""Kinds of clothes, pixels from 0 to 255."""

import torch
from torch import nn

from patients.material import accuracy
from patients.real import garments

BATCH, EPOCHS = 64, 6
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    x, y, x_valid, y_valid = garments()
    return 255 * x, y, 255 * x_valid, y_valid


def model():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24 * 16, 10),
    )


def optimizer(net):
    return torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
