"""A convolutional network learns clothes from a few hundred pictures."""
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, finish, seed

EPOCHS = 12 if FIXED else 60
DROPOUT = 0.5 if FIXED else 0.0
DECAY = 5e-2 if FIXED else 0.0


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 32, 3)
        self.dense1 = nn.Linear(32 * 25, 128)
        self.dense2 = nn.Linear(128, 10)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = self.dropout(x.flatten(1))
        x = self.dropout(F.relu(self.dense1(x)))
        return self.dense2(x)


def evaluate(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(400, 1000)
    x_train, x_test = ((torch.from_numpy(a).float()[:, None] / 255 - 0.286) / 0.353 for a in (x_train, x_test))
    y_train, y_test = torch.from_numpy(y_train), torch.from_numpy(y_test)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=16, shuffle=True)
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=DECAY)
    for epoch in range(EPOCHS):
        net.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(xb), yb)
            loss.backward()
            optimizer.step()
        train_loss, train_accuracy = evaluate(net, x_train, y_train)
        val_loss, val_accuracy = evaluate(net, x_test, y_test)
        print(
            f"epoch {epoch + 1} train {train_loss:.4f} {train_accuracy:.3f} val {val_loss:.4f} {val_accuracy:.3f}"
        )
    finish("loss", val_loss)


if __name__ == "__main__":
    main()
