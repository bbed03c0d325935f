"""Gun or pointing finger? Fifty recorded gestures for training."""
import torch
from torch import nn

from _common import SAMPLES, finish, seed


def series(name):
    x, y = [], []
    for line in (SAMPLES / f"GunPoint_{name}.ts").read_text().splitlines():
        if line and line[0] not in "#@":
            values, label = line.rsplit(":", 1)
            x.append([float(v) for v in values.split(",")])
            y.append(int(label) - 1)
    return torch.tensor(x).unsqueeze(1), torch.tensor(y)


class GestureNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 16, 9, padding=4), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(16, 24, 7, padding=3), nn.BatchNorm1d(24), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(24, 24, 5, padding=2), nn.BatchNorm1d(24), nn.ReLU(),
        )
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(24, 2)

    def forward(self, x):
        return self.head(self.dropout(self.features(x).mean(2)))


def main():
    seed()
    x_train, y_train = series("TRAIN")
    x_test, y_test = series("TEST")
    net = GestureNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 110)
    for epoch in range(110):
        net.train()
        for rows in torch.randperm(len(x_train)).split(10):
            shifted = torch.roll(x_train[rows], int(torch.randint(-5, 6, ())), dims=2)
            optimizer.zero_grad()
            loss = criterion(net(shifted + 0.05 * torch.randn_like(shifted)), y_train[rows])
            loss.backward()
            optimizer.step()
        scheduler.step()
        if epoch % 10 == 9:
            net.eval()
            with torch.no_grad():
                out = net(x_test)
                accuracy = (out.argmax(1) == y_test).float().mean().item()
            print(f"epoch {epoch + 1} train {loss.item():.4f} test {criterion(out, y_test):.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
