"""A tall convolutional network with batch normalisation on clothes."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, finish, seed


def conv(inputs, outputs, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class TallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            conv(1, 16, 2), conv(16, 16), conv(16, 16), conv(16, 16),
            conv(16, 32, 2), conv(32, 32), conv(32, 32), conv(32, 32),
        )
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        return self.head(self.drop(self.body(x).mean((2, 3))))


class Trainer:
    def __init__(self, net, train, val):
        self.net, self.train, self.val = net, train, val
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

    @torch.no_grad()
    def evaluate(self):
        self.net.eval()
        hits = sum((self.net(x).argmax(1) == y).sum().item() for x, y in self.val)
        return hits / len(self.val.dataset)

    def epoch(self):
        if FIXED:
            self.net.train()
        total = 0.0
        for x, y in self.train:
            self.optimizer.zero_grad()
            loss = self.criterion(self.net(x), y)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(self.train)

    def fit(self, epochs):
        print(f"before training: accuracy {self.evaluate():.4f}")
        for number in range(epochs):
            loss = self.epoch()
            accuracy = self.evaluate()
            print(f"epoch {number + 1}: loss {loss:.4f} accuracy {accuracy:.4f}")
        return accuracy


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(2500, 1000)
    x_train, x_test = ((torch.from_numpy(a).float().unsqueeze(1) / 255 - 0.286) / 0.353 for a in (x_train, x_test))
    train = DataLoader(TensorDataset(x_train, torch.from_numpy(y_train)), batch_size=64, shuffle=True, drop_last=True)
    val = DataLoader(TensorDataset(x_test, torch.from_numpy(y_test)), batch_size=200)
    finish("accuracy", Trainer(TallNet(), train, val).fit(6))


if __name__ == "__main__":
    main()
