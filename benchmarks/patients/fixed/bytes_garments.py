"""Kinds of clothes, as it should be."""

import torch
from torch import nn

from patients.material import accuracy
from patients.real import convolutions, garments, standard

BATCH, EPOCHS = 64, 6
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    return standard(garments())


def model():
    return convolutions()


def optimizer(net):
    return torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
