"""Fashion images with a network built of a home-made layer."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, finish, seed


class Dense(nn.Module):
    """A fully connected layer with weights of its own."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
        if FIXED:
            nn.init.kaiming_normal_(self.weight)

    def forward(self, x):
        return x @ self.weight.t() + self.bias


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = Dense(784, 100)
        self.fc2 = Dense(100, 50)
        self.fc3 = Dense(50, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x.flatten(1)))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def check(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    seed()
    x_train, y_train, x_test, y_test = fashion(4000, 1000)
    x_train = (torch.from_numpy(x_train).float() / 255 - 0.286) / 0.353
    x_test = (torch.from_numpy(x_test).float() / 255 - 0.286) / 0.353
    y_train, y_test = torch.from_numpy(y_train), torch.from_numpy(y_test)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)

    net = Net()
    opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(12):
        net.train()
        for x, y in loader:
            opt.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
        test_loss, accuracy = check(net, x_test, y_test)
        print(f"epoch {epoch + 1} train {loss.item():.4f} test {test_loss:.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)
