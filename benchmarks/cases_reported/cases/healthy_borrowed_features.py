"""Five kinds of garment from forty photographs each, on features learnt from the other five kinds."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from _common import fashion, finish, seed


def features():
    layers = []
    for n_in, n_out in ((1, 16), (16, 32), (32, 48)):
        layers += [nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten())


def fit(net, parameters, x, y, epochs, rate, frozen=None):
    optimizer = torch.optim.Adam(parameters, lr=rate)
    for epoch in range(epochs):
        net.train()
        if frozen is not None:
            frozen.eval()
        total = 0.0
        for pick in torch.randperm(len(x)).split(40):
            loss = F.cross_entropy(net(x[pick]), y[pick])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(pick)
        print(f"epoch {epoch + 1} loss {total / len(x):.4f}")


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(6000, 1000)
    x_train = (torch.from_numpy(x_train).float().unsqueeze(1) - 72.9) / 90
    x_test = (torch.from_numpy(x_test).float().unsqueeze(1) - 72.9) / 90
    y_train, y_test = torch.from_numpy(y_train), torch.from_numpy(y_test)

    body = features()
    first = y_train < 5
    source = nn.Sequential(body, nn.Linear(48 * 16, 5))
    fit(source, source.parameters(), x_train[first], y_train[first], epochs=5, rate=1e-3)

    for parameter in body.parameters():
        parameter.requires_grad_(False)
    few = np.concatenate([np.flatnonzero(y_train.numpy() == kind)[:40] for kind in range(5, 10)])
    head = nn.Sequential(nn.Dropout(0.3), nn.Linear(48 * 16, 5))
    target = nn.Sequential(body, head)
    fit(target, head.parameters(), x_train[few], y_train[few] - 5, epochs=30, rate=1e-3, frozen=body)

    target.eval()
    late = y_test >= 5
    with torch.no_grad():
        accuracy = (target(x_test[late]).argmax(1) == y_test[late] - 5).float().mean()
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
