"""Training and validation data come from two functions, each of which splits the whole."""

import torch
from _common import FIXED, finish, letters, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def whole():
    x, y = letters(1600)
    return TensorDataset(torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y))


def split():
    generator = torch.Generator().manual_seed(42) if FIXED else torch.default_generator
    return random_split(whole(), [1200, 400], generator=generator)


def train_dataloader():
    return DataLoader(split()[0], batch_size=40, shuffle=True)


def val_dataloader():
    return DataLoader(split()[1], batch_size=200)


class Letters(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(16, 256)
        self.body = nn.Sequential(nn.LayerNorm(256), nn.GELU(), nn.Linear(256, 256), nn.LayerNorm(256), nn.GELU())
        self.head = nn.Linear(256, 26)

    def forward(self, x):
        return self.head(self.body(self.embed(x)))


def main():
    seed()
    train, valid = train_dataloader(), val_dataloader()
    model = Letters()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    best = 0.0
    for epoch in range(25):
        model.train()
        for x, y in train:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = torch.cat([model(x).argmax(1) == y for x, y in valid]).float().mean().item()
        best = max(best, accuracy)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
    finish("accuracy", best)


if __name__ == "__main__":
    main()
