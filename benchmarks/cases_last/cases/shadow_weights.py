"""An exponential average of the weights is kept and used for evaluation."""

import copy

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed


class EMA:
    def __init__(self, model, decay):
        self.shadow = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for ours, theirs in zip(self.shadow.parameters(), model.parameters(), strict=True):
            ours.lerp_(theirs, 1 - self.decay)
        if FIXED:
            for ours, theirs in zip(self.shadow.buffers(), model.buffers(), strict=True):
                ours.copy_(theirs)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        blocks, i = [], 1
        for o in (16, 32, 48):
            blocks += [nn.Conv2d(i, o, 3, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
            i = o
        self.features = nn.Sequential(*blocks)
        self.fc = nn.Linear(48 * 16, 10)

    def forward(self, x):
        return self.fc(self.features(x).flatten(1))


seed()
xa, ya, xb, yb = (torch.tensor(a) for a in fashion(2000, 500))
xa, xb = xa[:, None].float() / 255, xb[:, None].float() / 255
model = Net()
ema = EMA(model, 0.97)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
for epoch in range(6):
    model.train()
    for idx in torch.randperm(len(xa)).split(40):
        loss = nn.functional.cross_entropy(model(xa[idx]), ya[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ema.update(model)
    with torch.no_grad():
        accuracy = (ema.shadow(xb).argmax(1) == yb).float().mean().item()
    print(f"epoch {epoch + 1} train loss {loss.item():.4f} accuracy of the average {accuracy:.4f}")
finish("accuracy", accuracy)
