"""Which of six instruments? One-dimensional CNN on short synthetic tones."""
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

from _common import FIXED, seed_all

N_CLASSES, LENGTH = 6, 96


def make_tones(n, rng):
    timbre = np.random.RandomState(7).uniform(0.0, 1.0, (N_CLASSES, 5))
    y = rng.randint(0, N_CLASSES, n)
    t = np.arange(LENGTH)
    f0 = rng.uniform(0.02, 0.05, n)[:, None]
    x = np.zeros((n, LENGTH))
    for k in range(5):
        phase = rng.uniform(0, 2 * np.pi, n)[:, None]
        x += timbre[y, k][:, None] * np.sin(2 * np.pi * f0 * (k + 1) * t + phase)
    x += 0.1 * rng.randn(n, LENGTH)
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    return torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(y)


class ToneNet(nn.Module):
    def __init__(self, act):
        super().__init__()
        layers, width = [], 1
        for i in range(7):
            layers += [nn.Conv1d(width, 16, 5, padding=2), act()]
            nn.init.kaiming_normal_(layers[-2].weight)
            if i in (0, 2, 4):
                layers.append(nn.MaxPool1d(2))
            width = 16
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(16, N_CLASSES)

    def forward(self, x):
        return self.classifier(self.features(x).mean(-1))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def train():
    seed_all()
    rng = np.random.RandomState(100)
    x_train, y_train = make_tones(1500, rng)
    x_test, y_test = make_tones(600, rng)
    model = ToneNet(nn.ReLU if FIXED else nn.Sigmoid)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(7):
        model.train()
        perm = torch.randperm(len(x_train))
        losses = []
        for i in range(0, len(perm), 25):
            idx = perm[i:i + 25]
            optimizer.zero_grad()
            loss = criterion(model(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print("Epoch %d loss %.4f test acc %.4f" % (epoch + 1, np.mean(losses), accuracy(model, x_test, y_test)))
    print("final accuracy %.4f" % accuracy(model, x_test, y_test))


train()
