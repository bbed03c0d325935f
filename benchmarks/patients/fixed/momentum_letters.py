"""Letters, as it should be."""

import torch
from torch import nn

from patients.material import accuracy, mlp
from patients.real import letters, standard

BATCH, EPOCHS = 32, 10
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    return standard(letters())


def model():
    return mlp(16, 64, 64, 26)


def optimizer(net):
    return torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
