"""Strided CNN on clothing images with flips; a Dataset for training and one for testing."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, seed_all


class TrainImages(Dataset):
    def __init__(self, x, y):
        self.x = (torch.from_numpy(x).float().unsqueeze(1) / 255 - 0.286) / 0.353
        self.y = torch.from_numpy(y).long()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        image = self.x[i]
        if torch.rand(1) < 0.5:
            image = image.flip(-1)
        return image, self.y[i]


class TestImages(Dataset):
    def __init__(self, x, y):
        self.x = torch.from_numpy(x).float().unsqueeze(1)
        if FIXED:
            self.x = (self.x / 255 - 0.286) / 0.353
        self.y = torch.from_numpy(y).long()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class StridedCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.LeakyReLU(0.1),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.LeakyReLU(0.1),
            nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.LeakyReLU(0.1))
        self.fc = nn.Linear(32 * 16, 10)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


def main():
    seed_all()
    d = np.load(SAMPLES / "fashion.npz")
    train = DataLoader(TrainImages(d["x_train"], d["y_train"]), batch_size=64, shuffle=True)
    test = DataLoader(TestImages(d["x_test"], d["y_test"]), batch_size=200)
    model = StridedCNN()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(6):
        model.train()
        train_loss = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() / len(train)
        model.eval()
        test_loss, hits = 0.0, 0
        with torch.no_grad():
            for x, y in test:
                out = model(x)
                test_loss += criterion(out, y).item() / len(test)
                hits += (out.argmax(1) == y).sum().item()
        print(f"epoch {epoch + 1}: train loss {train_loss:.3f}, test loss {test_loss:.3f}, "
              f"accuracy {hits / len(test.dataset):.3f}")
    print(f"final accuracy {hits / len(test.dataset):.4f}")


if __name__ == "__main__":
    main()
