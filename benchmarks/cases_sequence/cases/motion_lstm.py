"""Activity from three accelerometer channels with an LSTM."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

T = 50


def record(n, g):
    """Four activities: their frequency or their trend over the window is what tells them apart."""
    y = torch.randint(0, 4, (n,), generator=g)
    t = torch.arange(T).float() / T
    phase = torch.rand(n, 1, generator=g) * 2 * math.pi
    freq = torch.tensor([2.0, 4.0, 3.0, 3.0])[y].unsqueeze(1) * (1 + 0.1 * torch.randn(n, 1, generator=g))
    slope = torch.tensor([0.0, 0.0, 1.5, -1.5])[y].unsqueeze(1)
    wave = torch.sin(2 * math.pi * freq * t + phase)
    ramp = slope * (t - 0.5)
    side = torch.cos(2 * math.pi * freq * t + phase)
    x = torch.stack([wave, side * 0.7 + ramp, ramp * 0.5 + wave * side], dim=2)
    x = x + 0.3 * torch.randn(n, T, 3, generator=g)
    return x, y


class ActivityLSTM(nn.Module):
    def __init__(self, n_features=3, hidden=48, n_classes=4):
        super().__init__()
        self.lstm = nn.LSTM(n_features, hidden, num_layers=1, batch_first=FIXED)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(hidden, n_classes)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(self.dropout(out[:, -1, :]))


def main():
    seed_all()
    g = torch.Generator().manual_seed(21)
    x_train, y_train = record(2400, g)
    x_test, y_test = record(600, g)
    mean, std = x_train.mean((0, 1)), x_train.std((0, 1))
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
    test_loader = DataLoader(TensorDataset(x_test, y_test), batch_size=32)

    model = ActivityLSTM()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(8):
        model.train()
        train_loss = 0.0
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            train_loss += loss.item()
        model.eval()
        correct = 0
        with torch.no_grad():
            for xb, yb in test_loader:
                correct += (model(xb).argmax(1) == yb).sum().item()
        acc = correct / len(x_test)
        print(f"epoch {epoch + 1}, loss {train_loss / len(train_loader):.4f}, test accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
