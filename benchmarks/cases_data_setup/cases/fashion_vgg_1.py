"""VGG-like network without normalisation layers, momentum SGD."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

PLAN = [8, 8, "pool", 16, 16, "pool", 32, 32, "pool"]


def init_weights(module):
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        if FIXED:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        else:
            nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(module.bias)


def vgg():
    layers, channels = [], 1
    for item in PLAN:
        if item == "pool":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, item, 3, padding=1), nn.ReLU()]
            channels = item
    layers += [nn.Flatten(), nn.Linear(channels * 9, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10)]
    return nn.Sequential(*layers)


def tensors(split, count):
    with np.load(SAMPLES / "fashion.npz") as d:
        x = (torch.from_numpy(d[f"x_{split}"][:count]).float() / 255 - 0.286) / 0.353
        return x.unsqueeze(1), torch.from_numpy(d[f"y_{split}"][:count].astype(np.int64))


def main():
    seed_all()
    train = DataLoader(TensorDataset(*tensors("train", 4000)), batch_size=64, shuffle=True)
    x_val, y_val = tensors("test", 1000)
    net = vgg()
    net.apply(init_weights)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    for epoch in range(6):
        net.train()
        losses = []
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            out = net(x_val)
        accuracy = (out.argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch + 1} train {np.mean(losses):.4f} val {criterion(out, y_val).item():.4f} acc {accuracy:.4f}")
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
