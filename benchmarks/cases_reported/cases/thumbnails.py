"""Shop photographs as thumbnails, kept in a small cache, and an MLP that sorts them."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, finish, seed


def shrink(image):
    """Half the width and height, by averaging."""
    return image.reshape(14, 2, 14, 2).mean((1, 3))


def cache(images):
    store = np.zeros((len(images), 14, 14), dtype=np.float32 if FIXED else np.uint8)
    for i, image in enumerate(images):
        store[i] = shrink(image.astype(np.float32)) / 255
    return store


class Sorter(nn.Module):
    def __init__(self, width=128):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(196, width), nn.ReLU(),
            nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, 10),
        )

    def forward(self, x):
        return self.layers(x)


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(5000, 1000)
    x_train = torch.from_numpy(cache(x_train)).float()
    x_test = torch.from_numpy(cache(x_test)).float()
    y_train, y_test = torch.from_numpy(y_train), torch.from_numpy(y_test)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)

    net = Sorter()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(15):
        net.train()
        losses = []
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            accuracy = (net(x_test).argmax(1) == y_test).float().mean()
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
