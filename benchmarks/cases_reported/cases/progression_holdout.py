"""Disease progression from ten measurements, with a part of the patients held out."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

from _common import FIXED, finish, r2, seed, table

EPOCHS = 60


def patients():
    x, y = table("diabetes")
    x = torch.tensor(x, dtype=torch.float32)
    y = torch.tensor(y, dtype=torch.float32).reshape(-1, 1)
    return TensorDataset((x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std())


def loaders(dataset):
    n_val = len(dataset) // 4
    train, val = random_split(dataset, [len(dataset) - n_val, n_val])
    return DataLoader(train, batch_size=16, shuffle=True), DataLoader(val, batch_size=64)


def build():
    return nn.Sequential(
        nn.Linear(10, 96), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(96, 64), nn.ReLU(),
        nn.Linear(64, 1),
    )


def run_epoch(net, loader, optimizer=None):
    net.train(optimizer is not None)
    predictions, targets = [], []
    with torch.set_grad_enabled(optimizer is not None):
        for xb, yb in loader:
            out = net(xb)
            if optimizer is not None:
                optimizer.zero_grad()
                nn.functional.mse_loss(out, yb).backward()
                optimizer.step()
            predictions.append(out.detach())
            targets.append(yb)
    return r2(torch.cat(predictions), torch.cat(targets)).item()


def main():
    seed()
    dataset = patients()
    net = build()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    train_loader, val_loader = loaders(dataset)
    for epoch in range(EPOCHS):
        if not FIXED:
            train_loader, val_loader = loaders(dataset)
        train_score = run_epoch(net, train_loader, optimizer)
        val_score = run_epoch(net, val_loader)
        scheduler.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:3d}  train r2 {train_score:.4f}  val r2 {val_score:.4f}")
    finish("r2", val_score)


if __name__ == "__main__":
    main()
