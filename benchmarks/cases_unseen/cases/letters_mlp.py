"""Letters with a multilayer perceptron."""

import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed
from torch.utils.data import DataLoader, TensorDataset

seed()


def build_mlp(sizes, activation):
    layers = []
    for fan_in, fan_out in zip(sizes[:-2], sizes[1:-1], strict=True):
        layers += [nn.Linear(fan_in, fan_out), activation()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


features, classes = letters(5000)
features = torch.tensor((features - features.mean(0)) / features.std(0))
classes = torch.tensor(classes)
train = TensorDataset(features[:4000], classes[:4000])
mlp = build_mlp([16, 96, 96, 96, 96, 96, 96, 96, 26], nn.ReLU if FIXED else nn.Sigmoid)
adam = torch.optim.Adam(mlp.parameters(), lr=1e-3)
for epoch in range(10):
    for x, y in DataLoader(train, batch_size=50, shuffle=True):
        adam.zero_grad()
        loss = nn.functional.cross_entropy(mlp(x), y)
        loss.backward()
        adam.step()
    with torch.no_grad():
        print(epoch, loss.item(), (mlp(features[4000:]).argmax(1) == classes[4000:]).float().mean().item())
with torch.no_grad():
    finish("accuracy", (mlp(features[4000:]).argmax(1) == classes[4000:]).float().mean())
