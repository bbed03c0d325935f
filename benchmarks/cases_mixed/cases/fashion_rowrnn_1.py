"""Clothes read row by row with a GRU."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, seed_all

CONFIG = dict(hidden=64, batch=50, epochs=5, lr=3e-3 if FIXED else 0.1, clip=5.0)


class RowReader(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.gru = nn.GRU(28, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 10)

    def forward(self, images):
        states, _ = self.gru(images)
        return self.head(states[:, -1])


def prepare(images, labels):
    x = (torch.from_numpy(images).float() / 255 - 0.286) / 0.353
    return TensorDataset(x, torch.from_numpy(labels).long())


def accuracy(net, data, criterion):
    net.eval()
    with torch.no_grad():
        x, y = data.tensors
        out = net(x)
    return criterion(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main(cfg):
    seed_all()
    d = fashion()
    train = prepare(d["x_train"][:5000], d["y_train"][:5000])
    val = prepare(d["x_test"], d["y_test"])
    loader = DataLoader(train, batch_size=cfg["batch"], shuffle=True)
    net, criterion = RowReader(cfg["hidden"]), nn.CrossEntropyLoss()
    opt = torch.optim.Adam(net.parameters(), lr=cfg["lr"])
    for epoch in range(cfg["epochs"]):
        net.train()
        total = 0.0
        for x, y in loader:
            opt.zero_grad(set_to_none=True)
            loss = criterion(net(x), y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), cfg["clip"])
            opt.step()
            total += loss.item()
        val_loss, acc = accuracy(net, val, criterion)
        print(f"epoch {epoch}: loss {total / len(loader):.4f} val_loss {val_loss:.4f} val_acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main(CONFIG)
