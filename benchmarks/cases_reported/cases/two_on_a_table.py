"""Two garments lie side by side in one photograph: which kinds are there?"""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, finish, seed


def photographs(images, labels, n, rng):
    left, right = rng.integers(0, len(images), (2, n))
    x = np.concatenate([images[left], images[right]], axis=2)[:, ::2, ::2].astype(np.float32) / 255
    y = np.zeros((n, 10), dtype=np.float32)
    y[np.arange(n), labels[left]] = 1
    y[np.arange(n), labels[right]] = 1
    return torch.from_numpy(x[:, None] - 0.286), torch.from_numpy(y)


class Tagger(nn.Module):
    def __init__(self, n_tags=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.fc1 = nn.Linear(32 * 4 * 7, 64)
        self.fc2 = nn.Linear(64, n_tags)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.relu(self.fc1(x.flatten(1)))
        x = self.fc2(x)
        return x if FIXED else torch.sigmoid(x)


def macro_f1(guess, truth):
    hit = (guess * truth).sum(0)
    return (2 * hit / (guess.sum(0) + truth.sum(0)).clamp(min=1)).mean()


def main():
    rng = np.random.default_rng(seed())
    x_train, y_train, x_test, y_test = fashion(5000, 1000)
    train = TensorDataset(*photographs(x_train, y_train, 4000, rng))
    x_val, y_val = photographs(x_test, y_test, 1000, rng)
    loader = DataLoader(train, batch_size=64, shuffle=True)

    model = Tagger()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(10):
        model.train()
        epoch_loss = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
        model.eval()
        with torch.no_grad():
            probability = torch.sigmoid(model(x_val))
        score = macro_f1((probability > 0.5).float(), y_val)
        print(f"epoch {epoch + 1} loss {epoch_loss / len(loader):.4f} macro f1 {score:.4f}")
    finish("macro_f1", score)


if __name__ == "__main__":
    main()
