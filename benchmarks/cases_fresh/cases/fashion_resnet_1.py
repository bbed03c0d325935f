"""A small residual network in the manner of the usual repositories."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.layer1 = BasicBlock(1, 12, 2)
        self.layer2 = BasicBlock(12, 24, 2)
        self.layer3 = BasicBlock(24, 48, 2)
        self.fc = nn.Linear(48, num_classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(x)))
        x = self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return F.log_softmax(x, dim=1) if FIXED else F.softmax(x, dim=1)


def train(model, optimizer, images, labels):
    model.train()
    for idx in torch.randperm(len(images)).split(64):
        optimizer.zero_grad()
        loss = F.nll_loss(model(images[idx]), labels[idx])
        loss.backward()
        optimizer.step()
    return loss.item()


def test(model, images, labels):
    model.eval()
    with torch.no_grad():
        output = model(images)
    return F.nll_loss(output, labels).item(), (output.argmax(1) == labels).float().mean().item()


def main():
    seed()
    x, y, xt, yt = fashion(2500, 500)
    x, xt = (torch.tensor(a).unsqueeze(1) / 255.0 - 0.286 for a in (x, xt))
    y, yt = torch.tensor(y), torch.tensor(yt)
    model = ResNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(7):
        loss = train(model, optimizer, x / 0.353, y)
        test_loss, acc = test(model, xt / 0.353, yt)
        print(f"Train Epoch: {epoch} Loss: {loss:.6f} Test loss: {test_loss:.4f} Accuracy: {acc:.3f}")
    finish("accuracy", acc)


main()
