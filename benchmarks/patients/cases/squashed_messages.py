"""Spam, a sigmoid before a loss that applies its own."""

import torch
from torch import nn

from patients.material import binary_accuracy
from patients.real import Bag, messages

BATCH, EPOCHS = 32, 8
score = binary_accuracy
loss = nn.BCEWithLogitsLoss()


def data():
    return messages()


def model():
    return nn.Sequential(Bag(), nn.Sigmoid())


def optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=3e-3)
