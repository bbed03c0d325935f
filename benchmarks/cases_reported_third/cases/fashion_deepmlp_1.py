"""Fashion images, flattened, through a deep stack of dense layers (ported from a Keras notebook)."""
import numpy as np
import torch
from torch import nn

from _common import FIXED, fashion, seed_all


def dense(n_in, n_out):
    layer = nn.Linear(n_in, n_out)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def build(hidden=64, depth=9):
    activation = nn.ReLU if FIXED else nn.Sigmoid
    layers = [nn.Flatten(), dense(784, hidden), activation()]
    for _ in range(depth - 1):
        layers += [dense(hidden, hidden), activation()]
    layers.append(dense(hidden, 10))
    return nn.Sequential(*layers)


def main():
    seed_all()
    data = fashion()
    x_train = torch.from_numpy((data["x_train"].astype(np.float32) / 255 - 0.286) / 0.353)
    x_test = torch.from_numpy((data["x_test"].astype(np.float32) / 255 - 0.286) / 0.353)
    y_train, y_test = torch.from_numpy(data["y_train"]).long(), torch.from_numpy(data["y_test"]).long()
    model = build()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8, eta_min=1e-4)
    for epoch in range(8):
        model.train()
        perm = torch.randperm(len(x_train))
        total, right = 0.0, 0
        for start in range(0, len(perm), 64):
            idx = perm[start:start + 64]
            out = model(x_train[idx])
            loss = loss_fn(out, y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
            right += (out.argmax(1) == y_train[idx]).sum().item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            out = model(x_test)
            val = loss_fn(out, y_test).item()
            acc = (out.argmax(1) == y_test).float().mean().item()
        print(f"Epoch {epoch + 1}/8 - loss: {total / 6000:.4f} - acc: {right / 6000:.4f} - val_loss: {val:.4f} - val_acc: {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
