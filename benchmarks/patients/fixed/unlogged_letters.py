"""Letters, as it should be."""

import torch
from torch import nn

from patients.material import accuracy, mlp
from patients.real import letters, standard

BATCH, EPOCHS = 64, 10
score = accuracy
loss = nn.NLLLoss()


def data():
    return standard(letters())


def model():
    return nn.Sequential(*mlp(16, 64, 64, 26), nn.LogSoftmax(1))


def optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=3e-3)
