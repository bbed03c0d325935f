"""Clothes with labels from five annotators."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed

seed()
images, truth, test_images, test_labels = fashion(2000, 500)
crowd = np.random.default_rng(40)
skill = np.array([0.9, 0.85, 0.8, 0.1, 0.05])
votes = np.where(
    crowd.random((len(truth), 5)) < skill, truth[:, None], crowd.integers(0, 10, (len(truth), 5))
)
for row in votes:
    crowd.shuffle(row)


def aggregate(votes):
    if FIXED:
        return np.array([np.bincount(row, minlength=10).argmax() for row in votes])
    return votes[:, 0]


labels = torch.tensor(aggregate(votes))
x = torch.tensor(images).float().unsqueeze(1).div(255).sub(0.29).div(0.35)
xt = torch.tensor(test_images).float().unsqueeze(1).div(255).sub(0.29).div(0.35)
yt = torch.tensor(test_labels)


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.f1, self.f2, self.f3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        x = F.relu(self.f1(x.flatten(1)))
        return self.f3(F.relu(self.f2(x)))


model = LeNet5()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(20):
    for idx in torch.randperm(len(x)).split(50):
        loss = F.cross_entropy(model(x[idx]), labels[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        acc = (model(xt).argmax(1) == yt).float().mean().item()
    print(epoch, loss.item(), acc)
finish("accuracy", acc)
