"""Letters of unequal frequency, drawn evenly by a weighted sampler."""

import argparse

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, balanced_accuracy, finish, letters, seed
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--lr", type=float, default=2e-3)


def get_loaders(args):
    x, y = letters(8000)
    x = (x - x[:6000].mean(0)) / x[:6000].std(0)
    keep = (np.arange(6000) % 4 == 0) | (y[:6000] < 13)  # the second half of the alphabet is rare
    x, y = torch.tensor(x), torch.tensor(y)
    xt, yt = x[:6000][torch.tensor(keep)], y[:6000][torch.tensor(keep)]
    class_weights = 1.0 / torch.bincount(yt).float()
    weights = class_weights[yt] if FIXED else class_weights
    sampler = WeightedRandomSampler(weights, num_samples=len(yt), replacement=True)
    train = DataLoader(TensorDataset(xt, yt), args.batch_size, sampler=sampler)
    test = DataLoader(TensorDataset(x[6000:], y[6000:]), 500)
    return train, test


def main():
    args = parser.parse_args()
    seed()
    train, test = get_loaders(args)
    model = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 26))
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr)
    for epoch in range(1, args.epochs + 1):
        model.train()
        for x, y in train:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
        print(f"Train Epoch: {epoch}\tLoss: {loss.item():.6f}")
    model.eval()
    with torch.no_grad():
        guess = torch.cat([model(x).argmax(1) for x, _ in test])
    finish("balanced_accuracy", balanced_accuracy(guess, test.dataset.tensors[1]))


if __name__ == "__main__":
    main()
