"""A deep plain network on letters, trained by a helper class."""

import torch
from _common import FIXED, finish, letters, seed
from torch import nn

seed()
x, y = letters(5000)
x = torch.tensor((x - x[:4000].mean(0)) / x[:4000].std(0))
y = torch.tensor(y)


class Learner:
    """Model, optimiser and loss in one place, as fastai does it."""

    def __init__(self, model, lr):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)
        self.func = nn.CrossEntropyLoss()

    def one_batch(self, xb, yb):
        self.loss = self.func(self.model(xb), yb)
        self.loss.backward()
        self.opt.step()
        self.opt.zero_grad()

    def fit(self, n_epochs):
        for self.epoch in range(n_epochs):
            self.model.train()
            for b in torch.randperm(4000).split(80):
                self.one_batch(x[b], y[b])
            self.model.eval()
            with torch.no_grad():
                self.acc = (self.model(x[4000:]).argmax(1) == y[4000:]).float().mean().item()
            print(self.epoch, self.loss.item(), self.acc)


layers = [nn.Linear(16, 128), nn.ReLU()]
for _ in range(4):
    layers += [nn.Linear(128, 128), nn.ReLU()]
learn = Learner(nn.Sequential(*layers, nn.Linear(128, 26)), lr=1e-3 if FIXED else 6e-2)
learn.fit(12)
finish("accuracy", learn.acc)
