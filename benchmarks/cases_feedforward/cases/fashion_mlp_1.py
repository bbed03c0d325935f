"""Fashion-MNIST with a multilayer perceptron and SGD."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


def transform(images):
    x = torch.from_numpy(images).float()
    if FIXED:
        x = (x / 255 - 0.286) / 0.353
    return x


def loaders(batch_size):
    d = np.load(SAMPLES / "fashion.npz")
    train = TensorDataset(transform(d["x_train"]), torch.from_numpy(d["y_train"]).long())
    test = TensorDataset(transform(d["x_test"]), torch.from_numpy(d["y_test"]).long())
    return DataLoader(train, batch_size, shuffle=True), DataLoader(test, 500)


model = nn.Sequential(
    nn.Flatten(),
    nn.Linear(28 * 28, 128),
    nn.ReLU(),
    nn.Linear(128, 64),
    nn.ReLU(),
    nn.Linear(64, 10),
)


def reset(module):
    if hasattr(module, "reset_parameters"):
        module.reset_parameters()


def train_loop(loader, loss_fn, optimizer):
    model.train()
    losses = []
    for x, y in loader:
        pred = model(x)
        loss = loss_fn(pred, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def test_loop(loader, loss_fn):
    model.eval()
    loss, correct = 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            pred = model(x)
            loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    return loss / len(loader), correct / len(loader.dataset)


seed_all()
model.apply(reset)
train_loader, test_loader = loaders(64)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for t in range(10):
    train_loss = train_loop(train_loader, loss_fn, optimizer)
    test_loss, acc = test_loop(test_loader, loss_fn)
    print(f"Epoch {t + 1}: train {train_loss:.4f}, test {test_loss:.4f}, accuracy {100 * acc:.1f}%")
print(f"final accuracy {acc:.4f}")
