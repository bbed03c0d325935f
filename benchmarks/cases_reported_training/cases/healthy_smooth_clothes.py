"""Clothes with a wide network, much dropout and soft labels."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import fashion, finish, seed


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(0.2),
            nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.75),
            nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.75),
            nn.Linear(512, 10),
        )

    def forward(self, x):
        return self.layers(x.flatten(1))


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(4000, 1000)
    x_train = (torch.from_numpy(x_train).float() / 255 - 0.286) / 0.353
    x_test = (torch.from_numpy(x_test).float() / 255 - 0.286) / 0.353
    y_train, y_test = torch.from_numpy(y_train), torch.from_numpy(y_test)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
    net = Wide()
    criterion = nn.CrossEntropyLoss(label_smoothing=0.2)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=12, gamma=0.2)
    for epoch in range(20):
        net.train()
        total = hits = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            out = net(x)
            loss = criterion(out, y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
        scheduler.step()
        net.eval()
        with torch.no_grad():
            out = net(x_test)
            test_loss = criterion(out, y_test).item()
            accuracy = (out.argmax(1) == y_test).float().mean().item()
        print(
            f"epoch {epoch + 1} train {total / 4000:.4f} {hits / 4000:.4f} test {test_loss:.4f} {accuracy:.4f}"
        )
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
