"""Which machine is running? Levels of 24 bands in decibels, a small network."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

BANDS, MACHINES = 24, 8


def recordings(n):
    shape = torch.randn(MACHINES, BANDS, generator=torch.Generator().manual_seed(12))
    machine = torch.randint(MACHINES, (n,))
    power = (1.5 * shape[machine] + 1.2 * torch.randn(n, BANDS) + 0.8 * torch.randn(n, 1)).exp() * 1e-7
    return 10 * power.log10(), machine  # decibels below full scale


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(BANDS, 48)
        self.b = nn.Linear(48, 48)
        self.c = nn.Linear(48, MACHINES)

    def forward(self, x):
        return self.c(torch.relu(self.b(torch.relu(self.a(x)))))


seed()
x, y = recordings(3000)
x_test, y_test = recordings(800)
if FIXED:
    mean, std = x.mean(0), x.std(0)
    x, x_test = (x - mean) / std, (x_test - mean) / std
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(12):
    for idx in torch.randperm(len(x)).split(50):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (net(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
