"""Spam, one message in forty is spam, and all weigh the same."""

import torch
from torch import nn

from patients.material import binary_accuracy
from patients.real import Bag, messages

BATCH, EPOCHS = 64, 20
score = binary_accuracy
loss = nn.BCEWithLogitsLoss()


def data():
    return messages(spam=0.2)


def model():
    return Bag()


def optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=2e-3)
