"""How deep can a plain convolutional network be? Eighteen layers without shortcuts."""

import torch
from _common import FIXED, fashion, finish, seed
from torch import nn

seed()
x, y, xt, yt = fashion(1500, 400)
x, xt = ((torch.tensor(a)[:, None, ::2, ::2] / 255.0 - 0.286) / 0.353 for a in (x, xt))
y, yt = torch.tensor(y), torch.tensor(yt)


def make_layers(depth, width=16):
    layers, channels = [], 1
    for k in range(depth):
        layers.append(nn.Conv2d(channels, width, 3, padding=1, stride=2 if k in (5, 11) else 1))
        if FIXED:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU())
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * 16, 10))


net = make_layers(18)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
for epoch in range(5):
    net.train()
    for k in torch.randperm(1500).split(50):
        optimizer.zero_grad()
        loss = criterion(net(x[k]), y[k])
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        acc = (net(xt).argmax(1) == yt).float().mean().item()
    print(f"epoch {epoch}, loss {loss.item():.4f}, accuracy {acc:.4f}")
finish("accuracy", acc)
