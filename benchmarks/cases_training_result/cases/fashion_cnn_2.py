"""Fashion images: plain convolutional network with batch normalisation, validated before and during training."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


def conv(c_in, c_out, stride=1):
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, stride, 1), nn.BatchNorm2d(c_out), nn.ReLU())


class PlainNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            conv(1, 12, 2), conv(12, 12), conv(12, 24, 2), conv(24, 24), conv(24, 24), conv(24, 24),
            conv(24, 32, 2), conv(32, 32))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(32, 10))

    def forward(self, x):
        return self.head(self.features(x))


class Experiment:
    def __init__(self):
        with np.load(SAMPLES / "fashion.npz") as d:
            self.train = self.loader(d["x_train"], d["y_train"], True)
            self.val = self.loader(d["x_test"], d["y_test"], False)
        self.net = PlainNet()
        self.opt = torch.optim.SGD(self.net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, 4)
        self.loss = nn.CrossEntropyLoss()

    @staticmethod
    def loader(x, y, shuffle):
        x = torch.from_numpy(x).float().reshape(-1, 1, 28, 28) / 255
        return DataLoader(TensorDataset((x - 0.286) / 0.353, torch.from_numpy(y).long()), 64, shuffle=shuffle)

    def validate(self):
        self.net.eval()
        loss, hits, n = 0.0, 0, 0
        with torch.no_grad():
            for x, y in self.val:
                out = self.net(x)
                loss += self.loss(out, y).item() * len(y)
                hits += (out.argmax(1) == y).sum().item()
                n += len(y)
        return loss / n, hits / n

    def run(self, epochs=4):
        self.net.train()
        print("before training: val loss %.4f accuracy %.4f" % self.validate())
        for epoch in range(epochs):
            self.net.train(FIXED or self.net.training)
            total = 0.0
            for x, y in self.train:
                self.opt.zero_grad()
                loss = self.loss(self.net(x), y)
                loss.backward()
                self.opt.step()
                total += loss.item()
            self.sched.step()
            val, acc = self.validate()
            print(f"epoch {epoch + 1}: train loss {total / len(self.train):.4f} val loss {val:.4f} accuracy {acc:.4f}")
        print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    seed_all()
    Experiment().run()
