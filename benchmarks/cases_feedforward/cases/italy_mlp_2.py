"""The original small split of ItalyPowerDemand: 67 days to learn from, a tiny network."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import SAMPLES, seed_all


def read_ts(name):
    x, y = [], []
    for line in open(SAMPLES / name):
        if line[0] in "#@" or not line.strip():
            continue
        values, label = line.strip().split(":")
        x.append([float(v) for v in values.split(",")])
        y.append(int(label) - 1)
    return torch.tensor(x), torch.tensor(y)


def main():
    seed_all()
    x_train, y_train = read_ts("ItalyPowerDemand_TRAIN.ts")
    x_test, y_test = read_ts("ItalyPowerDemand_TEST.ts")
    mean, std = x_train.mean(0), x_train.std(0)
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=16, shuffle=True)

    net = nn.Sequential(nn.Linear(24, 6), nn.ReLU(), nn.Linear(6, 2))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2, weight_decay=0.01)
    for epoch in range(30):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
        net.eval()
        with torch.no_grad():
            out = net(x_test)
            test_loss = criterion(out, y_test).item()
            accuracy = (out.argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1}: train loss {total / len(y_train):.4f} "
              f"test loss {test_loss:.4f} accuracy {accuracy:.4f}")
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
