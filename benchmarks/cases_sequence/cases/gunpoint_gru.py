"""Gun or point? Bidirectional GRU on the GunPoint hand tracks."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


def load_ts(path):
    series, labels = [], []
    with open(path) as f:
        for line in f:
            line = line.strip()
            if not line or line.startswith(("#", "@")):
                continue
            values, label = line.rsplit(":", 1)
            series.append([float(v) for v in values.split(",")])
            labels.append(float(label))
    x = torch.tensor(series)
    y = torch.tensor(labels)
    return x, (y - 1 if FIXED else y)


def to_frames(x, size=10):
    return x.view(len(x), -1, size)


class BiGRU(nn.Module):
    def __init__(self, frame=10, hidden=24):
        super().__init__()
        self.gru = nn.GRU(frame, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(4 * hidden, 1)

    def forward(self, x):
        out, _ = self.gru(x)
        return self.head(torch.cat([out.mean(1), out.amax(1)], dim=1)).squeeze(1)


def main():
    seed_all()
    x1, y1 = load_ts(f"{SAMPLES}/GunPoint_TRAIN.ts")
    x2, y2 = load_ts(f"{SAMPLES}/GunPoint_TEST.ts")
    x, y = to_frames(torch.cat([x1, x2])), torch.cat([y1, y2])
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
    x, y = x[order], y[order]
    x_train, y_train, x_test, y_test = x[:140], y[:140], x[140:], y[140:]
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=14, shuffle=True)
    model = BiGRU()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(30):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            guess = (torch.sigmoid(model(x_test)) > 0.5).float()
        acc = (guess == y_test).float().mean().item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: loss {total / len(loader):.4f}, test accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
