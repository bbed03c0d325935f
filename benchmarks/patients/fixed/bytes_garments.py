"""Kinds of clothes, as it should be."""

import torch
from torch import nn

from patients.material import accuracy
from patients.real import garments, standard

BATCH, EPOCHS = 64, 6
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    return standard(garments())


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
