"""Three noisy rings in the plane, told apart by a perceptron."""
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SEED, seed_all


def rings(n, generator):
    label = torch.randint(0, 3, (n,), generator=generator)
    radius = 1.0 + label + 0.15 * torch.randn(n, generator=generator)
    angle = 2 * math.pi * torch.rand(n, generator=generator)
    x = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], 1)
    return x, label


class RingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 32)
        self.fc2 = nn.Linear(32, 32)
        self.fc3 = nn.Linear(32, 3)

    def forward(self, x):
        if FIXED:
            return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))
        return self.fc3(self.fc2(self.fc1(x)))


if __name__ == "__main__":
    seed_all()
    gen = torch.Generator().manual_seed(100 + SEED)
    x_train, y_train = rings(2000, gen)
    x_test, y_test = rings(1000, gen)
    scale = x_train.std(0)
    train = DataLoader(TensorDataset(x_train / scale, y_train), batch_size=50, shuffle=True)
    net = RingNet()
    loss_fn = nn.CrossEntropyLoss()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)

    for epoch in range(1, 21):
        net.train()
        for xb, yb in train:
            opt.zero_grad()
            loss = loss_fn(net(xb), yb)
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            out = net(x_test / scale)
            test_loss = loss_fn(out, y_test).item()
            test_acc = (out.argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch}: train {loss.item():.4f} test {test_loss:.4f} acc {test_acc:.3f}")
    print(f"final accuracy {test_acc:.4f}")
