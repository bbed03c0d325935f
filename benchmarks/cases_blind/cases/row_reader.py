"""Digits read row by row, forwards and backwards."""

import torch
from _common import FIXED, finish, seed, table
from torch import nn


class RowReader(nn.Module):
    def __init__(self, n_class=10, n_hidden=40):
        super().__init__()
        self.rnn = nn.RNN(8, n_hidden, batch_first=True, bidirectional=True)
        self.attn = nn.Linear(2 * n_hidden, 1)
        self.head = nn.Sequential(nn.Linear(2 * n_hidden, 40), nn.ReLU(), nn.Linear(40, n_class))
        if not FIXED:
            self.head.append(nn.Softmax(dim=1))

    def forward(self, rows):
        out, _ = self.rnn(rows)
        weight = self.attn(out).softmax(1)
        return self.head((weight * out).sum(1))


def one_epoch(net, data, optimizer=None):
    total, right = 0.0, 0
    for rows, digit in data:
        scores = net(rows)
        loss = nn.functional.cross_entropy(scores, digit)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item() * len(rows)
        right += (scores.argmax(1) == digit).sum().item()
    n = sum(len(r) for r, _ in data)
    return total / n, right / n


seed()
x, y = table("digits")
x, y = torch.tensor(x).float() / 16, torch.tensor(y)
p = torch.randperm(len(x))
test = [(x[p[1400:]], y[p[1400:]])]
net = RowReader()
sgd = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(10):
    train = [(x[b], y[b]) for b in p[:1400][torch.randperm(1400)].split(28)]
    print("epoch %d loss %.4f accuracy %.4f" % (epoch, *one_epoch(net, train, sgd)))
with torch.no_grad():
    finish("accuracy", one_epoch(net, test)[1])
