"""Kinds of clothes, pixels from 0 to 255."""

import torch
from torch import nn

from patients.material import accuracy
from patients.real import convolutions, garments

BATCH, EPOCHS = 64, 6
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    x, y, x_valid, y_valid = garments()
    return 255 * x, y, 255 * x_valid, y_valid


def model():
    return convolutions()


def optimizer(net):
    return torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
