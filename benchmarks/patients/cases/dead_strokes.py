"""Dead strokes, filters begin with biases of -4."""

import torch
from torch import nn

from patients.material import accuracy, strokes

BATCH, EPOCHS = 32, 12
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    return strokes()


def model():
    net = nn.Sequential(
        nn.Conv2d(1, 12, 3), nn.ReLU(), nn.Conv2d(12, 12, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12 * 36, 4)
    )
    for layer in (net[0], net[2]):
        nn.init.constant_(layer.bias, -4.0)
    return net


def optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=2e-3)
