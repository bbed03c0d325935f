"""A network whose last features depend on the picture's size, so the layer is made when the size is known."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed


class ConvNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1)
        self.fc1 = None
        self.fc2 = nn.Linear(32, num_classes)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = x.view(x.size(0), -1)
        if self.fc1 is None or not FIXED:
            self.fc1 = nn.Linear(x.size(1), 32)
        x = F.relu(self.fc1(x))
        return self.fc2(x)


def evaluate(net, images, labels):
    net.eval()
    with torch.no_grad():
        return (net(images).argmax(1) == labels).float().mean().item()


def train():
    seed()
    xa, ya, xb, yb = (torch.tensor(a) for a in fashion(2000, 500))
    xa, xb = xa[:, None].float() / 255 - 0.3, xb[:, None].float() / 255 - 0.3
    net = ConvNet()
    net(xa[:1])  # fixes the sizes
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(8):
        net.train()
        for batch in torch.randperm(len(xa)).split(40):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(xa[batch]), ya[batch])
            loss.backward()
            optimizer.step()
        print(f"Epoch {epoch + 1}/8 loss: {loss.item():.4f} test accuracy: {evaluate(net, xb, yb):.4f}")
    return evaluate(net, xb, yb)


if __name__ == "__main__":
    finish("accuracy", train())
