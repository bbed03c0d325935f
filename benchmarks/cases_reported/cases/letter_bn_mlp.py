"""Twenty-six letters from sixteen measurements: an MLP built from a list of sizes."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, letters, seed


class MLP(nn.Module):
    def __init__(self, dims, p=0.05):
        super().__init__()
        layers = []
        for i, (n_in, n_out) in enumerate(zip(dims[:-1], dims[1:])):
            layers.append(nn.Linear(n_in, n_out))
            if i < len(dims) - 2:
                layers.append(nn.BatchNorm1d(n_out))
                if FIXED:
                    layers.append(nn.GELU())
                layers.append(nn.Dropout(p))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


def prepare():
    x, y = letters(10_000)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    cut = 8000
    mean, std = x[:cut].mean(0), x[:cut].std(0)
    x = (x - mean) / std
    return TensorDataset(x[:cut], y[:cut]), TensorDataset(x[cut:], y[cut:])


def epoch_of(net, loader, criterion, optimizer=None):
    net.train(optimizer is not None)
    loss_sum = hits = 0
    for x, y in loader:
        with torch.set_grad_enabled(optimizer is not None):
            out = net(x)
            loss = criterion(out, y)
        if optimizer is not None:
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        loss_sum += loss.item() * len(y)
        hits += (out.argmax(1) == y).sum().item()
    return loss_sum / len(loader.dataset), hits / len(loader.dataset)


def main():
    seed()
    train, val = prepare()
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    val_loader = DataLoader(val, batch_size=500)
    net = MLP([16, 128, 64, 64, 26])
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
    for epoch in range(15):
        train_loss, train_acc = epoch_of(net, train_loader, criterion, optimizer)
        val_loss, val_acc = epoch_of(net, val_loader, criterion)
        print(f"{epoch + 1:2d}: train {train_loss:.4f}/{train_acc:.4f} val {val_loss:.4f}/{val_acc:.4f}")
    finish("accuracy", val_acc)


if __name__ == "__main__":
    main()
