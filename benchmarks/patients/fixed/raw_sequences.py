"""Raw sequences, as it should be."""

import torch
from torch import nn

from patients.material import Recurrent, accuracy, sequences

BATCH, EPOCHS = 32, 15
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    return sequences()


def model():
    return Recurrent()


def optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=5e-3)
