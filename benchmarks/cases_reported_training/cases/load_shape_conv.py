"""The next six hours of load from two days, with one-dimensional convolutions."""
import torch
from torch import nn
from torch.nn import functional as F

from _common import FIXED, finish, load, r2, seed


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 16, 5, padding=2)
        self.conv2 = nn.Conv1d(16, 32, 5, stride=2, padding=2)
        self.conv3 = nn.Conv1d(32, 32, 5, stride=2, padding=2)
        self.fc1 = nn.Linear(32 * 12, 64)
        self.fc2 = nn.Linear(64, 6)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.relu(self.conv3(x))
        x = F.relu(self.fc1(x.flatten(1)))
        x = self.fc2(x)
        return x if FIXED else F.relu(x)


def main():
    seed()
    series = torch.from_numpy(load())[1000:5000]
    series = (series - series[:3000].mean()) / series[:3000].std()
    frames = series.unfold(0, 54, 1)
    x, y = frames[:, :48].unsqueeze(1).contiguous(), frames[:, 48:].contiguous()
    x_train, y_train, x_val, y_val = x[:2900], y[:2900], x[3000:], y[3000:]
    net = Conv()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-5)
    for epoch in range(12):
        net.train()
        total = 0.0
        for rows in torch.randperm(len(x_train)).split(50):
            loss = F.mse_loss(net(x_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        net.eval()
        with torch.no_grad():
            out = net(x_val)
            val_loss = F.mse_loss(out, y_val).item()
            score = r2(out, y_val).item()
        print(f"epoch {epoch + 1:2d} train {total / len(x_train):.4f} val {val_loss:.4f} r2 {score:.4f}")
    finish("r2", score)


if __name__ == "__main__":
    main()
