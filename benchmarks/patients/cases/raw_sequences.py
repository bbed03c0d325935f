"""Raw sequences, inputs in raw units."""

import torch
from torch import nn

from patients.material import Recurrent, accuracy, sequences

BATCH, EPOCHS = 32, 15
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    x, y, x_valid, y_valid = sequences()
    return 800 + 250 * x, y, 800 + 250 * x_valid, y_valid


def model():
    return Recurrent()


def optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=5e-3)
