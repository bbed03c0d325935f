"""Is it an O or a Q, or any other letter? Few rows are, and they weigh more."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import balanced_accuracy, finish, letters, seed


class Detector(nn.Module):
    def __init__(self, inputs=16, width=48):
        super().__init__()
        self.fc1 = nn.Linear(inputs, width)
        self.fc2 = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        x = nn.functional.elu(self.fc1(x))
        x = nn.functional.elu(self.fc2(x))
        return self.out(x).squeeze(1)


def main():
    seed()
    x, y = letters(8000)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    y = ((y == 14) | (y == 16)).float()
    x = (x - x[:6500].mean(0)) / x[:6500].std(0)
    x_train, y_train, x_test, y_test = x[:6500], y[:6500], x[6500:], y[6500:]
    weight = (y_train == 0).sum() / y_train.sum()
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=128, shuffle=True)
    net = Detector()
    criterion = nn.BCEWithLogitsLoss(pos_weight=weight)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-4)
    for epoch in range(26):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            logits = net(x_test)
            score = balanced_accuracy((logits > 0).long(), y_test.long()).item()
        print(
            f"epoch {epoch + 1} train {total / len(loader):.4f} test {criterion(logits, y_test):.4f} balanced {score:.4f}"
        )
    finish("balanced_accuracy", score)


if __name__ == "__main__":
    main()
