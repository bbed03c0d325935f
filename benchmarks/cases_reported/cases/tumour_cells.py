"""Benign or malignant from measurements of cell nuclei: a small network on a table."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, seed, table

EPOCHS = 100
BATCH = 16


def split(x, y, share=0.75):
    order = np.random.permutation(len(x))
    cut = int(share * len(x))
    return x[order[:cut]], y[order[:cut]], x[order[cut:]], y[order[cut:]]


class TumourNet(nn.Module):
    def __init__(self, n_features, hidden=64, dropout=0.1):
        super().__init__()
        self.fc1 = nn.Linear(n_features, hidden)
        self.fc2 = nn.Linear(hidden, hidden // 2)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(hidden // 2, 2)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = self.drop(torch.relu(self.fc2(x)))
        return self.out(x)


def accuracy(net, loader):
    net.eval()
    right = total = 0
    with torch.no_grad():
        for xb, yb in loader:
            right += (net(xb).argmax(1) == yb).sum().item()
            total += len(yb)
    return right / total


def main():
    seed()
    x, y = table("breast")
    x_train, y_train, x_test, y_test = split(x.astype(np.float32), y.astype(np.int64))
    if FIXED:
        mean, std = x_train.mean(0), x_train.std(0)
        x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    train = TensorDataset(torch.from_numpy(x_train), torch.from_numpy(y_train))
    test = TensorDataset(torch.from_numpy(x_test), torch.from_numpy(y_test))
    loader = DataLoader(train, batch_size=BATCH, shuffle=True)
    test_loader = DataLoader(test, batch_size=64)

    net = TumourNet(x_train.shape[1])
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(EPOCHS):
        net.train()
        running = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(yb)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1} loss {running / len(train):.4f} test {accuracy(net, test_loader):.4f}")
    finish("accuracy", accuracy(net, test_loader))


if __name__ == "__main__":
    main()
