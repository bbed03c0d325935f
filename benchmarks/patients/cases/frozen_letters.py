"""Letters, all but the first layer frozen."""

import torch
from torch import nn

from patients.material import accuracy, mlp
from patients.real import letters, standard

BATCH, EPOCHS = 64, 10
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    return standard(letters())


def model():
    net = mlp(16, 64, 64, 26)
    for layer in net[2:]:
        layer.requires_grad_(False)
    nn.init.normal_(net[-1].weight, std=0.02)
    return net


def optimizer(net):
    return torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=3e-3)
