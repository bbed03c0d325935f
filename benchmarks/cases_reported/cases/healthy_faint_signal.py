"""The next value of a series that is mostly chance: the best forecast explains a seventh of it."""
import numpy as np
import torch
from torch import nn

from _common import finish, r2, seed

LAGS = 8


def series(n, rng):
    """Two weak echoes, of one and of three steps ago, under fresh noise."""
    values = np.zeros(n + 100)
    noise = rng.standard_normal(n + 100)
    for t in range(3, n + 100):
        values[t] = 0.28 * values[t - 1] - 0.24 * values[t - 3] + noise[t]
    return torch.tensor(values[100:], dtype=torch.float32)


class Forecast(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.rnn(x.unsqueeze(2))[0][:, -1]).squeeze(1)


def main():
    rng = np.random.default_rng(seed())
    values = series(12_000, rng)
    values = (values - values[:8000].mean()) / values[:8000].std()
    windows = values.unfold(0, LAGS + 1, 1)
    train, test = windows[:7900], windows[8000:]

    net = Forecast()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for epoch in range(10):
        net.train()
        total = 0.0
        for pick in torch.randperm(len(train)).split(64):
            loss = nn.functional.mse_loss(net(train[pick, :-1]), train[pick, -1])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(pick)
        scheduler.step()
        net.eval()
        with torch.no_grad():
            prediction = net(test[:, :-1])
        print(f"epoch {epoch + 1} loss {total / len(train):.4f} r2 {r2(prediction, test[:, -1]):.4f}")
    finish("r2", r2(prediction, test[:, -1]))


if __name__ == "__main__":
    main()
