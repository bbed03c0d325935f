"""Tomorrow's highest load from the last two days, with a one-dimensional CNN."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, load, r2, seed


def peaks():
    series = torch.from_numpy(load())
    cut = 6500
    series = (series - series[:cut].mean()) / series[:cut].std()
    windows = series.unfold(0, 72, 2)
    x, y = windows[:, :48].unsqueeze(1), windows[:, 48:].amax(1)
    border = (cut - 72) // 2
    mean, std = y[:border].mean(), y[:border].std()
    y = (y - mean) / std
    return x[:border], y[:border].unsqueeze(1), x[border + 36 :], y[border + 36 :].unsqueeze(1)


class PeakNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 16, 5, padding=2), nn.ELU(), nn.AvgPool1d(2),
            nn.Conv1d(16, 32, 5, padding=2), nn.ELU(), nn.AvgPool1d(2),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(32 * 12, 64), nn.ELU(), nn.Linear(64, 1))

    def forward(self, x):
        out = self.head(self.conv(x))
        return out if FIXED else out.squeeze()


class Regression:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def loss(self, prediction, target):
        return ((prediction - target) ** 2).mean()

    def fit(self, loader):
        self.model.train()
        total = 0.0
        for x, y in loader:
            loss = self.loss(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(loader)

    @torch.no_grad()
    def score(self, x, y):
        self.model.eval()
        return r2(self.model(x).reshape(-1), y.reshape(-1)).item()


def main():
    seed()
    x_train, y_train, x_test, y_test = peaks()
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
    run = Regression(PeakNet(), lr=1e-3)
    for epoch in range(12):
        loss = run.fit(loader)
        print(f"epoch {epoch + 1}: loss {loss:.4f}, test r2 {run.score(x_test, y_test):.4f}")
    finish("r2", run.score(x_test, y_test))


if __name__ == "__main__":
    main()
