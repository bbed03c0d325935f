"""The load of the next hour, recurrent weights that double what they hold at every step."""

import torch
from torch import nn

from patients.material import r2
from patients.real import Forecast, standard_hours

BATCH, EPOCHS = 64, 10
score = r2
loss = nn.MSELoss()


def data():
    return standard_hours(48)


def model():
    net = Forecast(nn.RNN(1, 32, nonlinearity="relu", batch_first=True))
    nn.init.normal_(net.rnn.weight_hh_l0, std=0.4)
    return net


def optimizer(net):
    return torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
