"""Fashion images: normalised layers, plain SGD at a rate of one, warmed up and let down again."""
import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import fashion, finish, seed

EPOCHS, BATCH, RATE, WARM = 10, 125, 1.0, 40


def block(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU())


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), block(784, 200), block(200, 100))
        self.head = nn.Linear(100, 10)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        return self.head(self.body(x))


def share(step, total):
    if step < WARM:
        return (step + 1) / WARM
    return 0.5 * (1 + math.cos(math.pi * (step - WARM) / (total - WARM)))


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(5000, 1000)
    x_train = (torch.from_numpy(x_train).float() - 72.9) / 90
    x_test = (torch.from_numpy(x_test).float() - 72.9) / 90
    y_train, y_test = torch.from_numpy(y_train), torch.from_numpy(y_test)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=BATCH, shuffle=True, drop_last=True)
    total = EPOCHS * len(loader)

    net = Wide()
    decay = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim == 1]
    groups = [{"params": decay, "weight_decay": 5e-4}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=RATE)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: share(step, total))
    for epoch in range(EPOCHS):
        net.train()
        for x, y in loader:
            loss = F.cross_entropy(net(x), y, label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        net.eval()
        with torch.no_grad():
            accuracy = (net(x_test).argmax(1) == y_test).float().mean()
        print(f"epoch {epoch + 1} rate {scheduler.get_last_lr()[0]:.3f} loss {loss.item():.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
