"""Garments with a plain deep network; the initialisation was taken over from a generative model's repository."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, TensorDataset


def weights_init(m):
    name = m.__class__.__name__
    if name.find("Conv") != -1 or name.find("Linear") != -1:
        if FIXED:
            nn.init.kaiming_normal_(m.weight.data, nonlinearity="relu")
        else:
            nn.init.normal_(m.weight.data, 0.0, 0.02)
        nn.init.zeros_(m.bias.data)
    elif name.find("BatchNorm") != -1:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.constant_(m.bias.data, 0)


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 4, 2, 1)
        self.conv2 = nn.Conv2d(16, 32, 4, 2, 1)
        self.conv3 = nn.Conv2d(32, 32, 3, 1, 1)
        self.conv4 = nn.Conv2d(32, 64, 3, 2, 1)
        self.fc1 = nn.Linear(64 * 16, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = torch.relu(layer(x))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


seed()
xa, ya, xb, yb = fashion(2000, 500)
xa, xb = (((torch.tensor(x).float() / 255) - 0.5) / 0.5 for x in (xa, xb))
train = DataLoader(TensorDataset(xa[:, None], torch.tensor(ya)), batch_size=32, shuffle=True)
net = Plain()
net.apply(weights_init)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
for epoch in range(6):
    net.train()
    for x, y in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        accuracy = (net(xb[:, None]).argmax(1) == torch.tensor(yb)).float().mean().item()
    print("epoch %d: loss %.4f, accuracy %.4f" % (epoch + 1, loss.item(), accuracy))
finish("accuracy", accuracy)
