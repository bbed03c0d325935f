"""Dropped rings, dropout of 0.97 for 0.1."""

import torch
from torch import nn

from patients.material import accuracy, rings

BATCH, EPOCHS = 32, 25
score = accuracy
loss = nn.CrossEntropyLoss()


def data():
    return rings()


def model():
    return nn.Sequential(
        nn.Linear(2, 48), nn.ReLU(), nn.Dropout(0.97), nn.Linear(48, 48), nn.ReLU(), nn.Dropout(0.97), nn.Linear(48, 3)
    )


def optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=3e-3)
