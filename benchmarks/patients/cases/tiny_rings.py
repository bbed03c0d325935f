"""Tiny rings, weights far too small for eight tanh layers."""

import torch
from torch import nn

from patients.material import accuracy, mlp, rings

BATCH, EPOCHS = 32, 20
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    return rings()


def model():
    net = mlp(2, *[32] * 8, 3, activation=nn.Tanh)
    for layer in net[::2]:
        nn.init.normal_(layer.weight, std=0.003)
        nn.init.zeros_(layer.bias)
    return net


def optimizer(net):
    return torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
