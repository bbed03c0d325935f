"""Letters, negative weights over positive inputs."""

import torch
from torch import nn

from patients.material import accuracy, mlp
from patients.real import letters

BATCH, EPOCHS = 64, 15
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    x, y, x_valid, y_valid = letters()
    return x / 15, y, x_valid / 15, y_valid


def model():
    net = mlp(16, 64, 64, 26)
    for layer in (net[0], net[2]):
        layer.weight.data = -layer.weight.data.abs()
        nn.init.constant_(layer.bias, -0.5)
    return net


def optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=3e-3)
