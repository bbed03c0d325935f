"""Letters with two hidden layers and a cosine schedule."""
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, letters, seed

CONFIG = {
    "hidden": 128,
    "batch_size": 64,
    "epochs": 12,
    "lr": 0.1,
    "momentum": 0.9,
    "weight_decay": 1e-4 if FIXED else 0.1,
}


def build(config):
    return nn.Sequential(
        nn.Linear(16, config["hidden"]), nn.ReLU(),
        nn.Linear(config["hidden"], config["hidden"]), nn.ReLU(),
        nn.Linear(config["hidden"], 26),
    )


def load_data(config):
    x, y = (torch.from_numpy(a) for a in letters(6000))
    x = (x - x[:5000].mean(0)) / x[:5000].std(0)
    train = TensorDataset(x[:5000], y[:5000])
    test = TensorDataset(x[5000:], y[5000:])
    return DataLoader(train, config["batch_size"], shuffle=True), DataLoader(test, 500)


def train(config):
    train_loader, test_loader = load_data(config)
    model = build(config)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=config["lr"], momentum=config["momentum"], weight_decay=config["weight_decay"]
    )
    scheduler = CosineAnnealingLR(optimizer, config["epochs"])
    for epoch in range(config["epochs"]):
        model.train()
        losses = []
        for x, y in train_loader:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        model.eval()
        with torch.no_grad():
            hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
        accuracy = hits / len(test_loader.dataset)
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.4f}, accuracy {accuracy:.4f}")
    return accuracy


if __name__ == "__main__":
    seed()
    finish("accuracy", train(CONFIG))
