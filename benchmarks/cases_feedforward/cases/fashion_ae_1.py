"""Fully connected autoencoder of clothing images with a code of 32 numbers."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from _common import FIXED, SAMPLES, seed_all


class AutoEncoder(nn.Module):
    def __init__(self, code=32):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(784, 256), nn.ReLU(),
            nn.Linear(256, 64), nn.ReLU(),
            nn.Linear(64, code),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 64), nn.ReLU(),
            nn.Linear(64, 256), nn.ReLU(),
            nn.Linear(256, 784),
        )
        self.apply(self.init_weights)

    @staticmethod
    def init_weights(m):
        if isinstance(m, nn.Linear):
            if FIXED:
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            else:
                nn.init.normal_(m.weight, mean=0.0, std=1.0)
            nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main():
    seed_all()
    d = np.load(SAMPLES / "fashion.npz")
    x_train = torch.from_numpy(d["x_train"]).float().flatten(1) / 255
    x_test = torch.from_numpy(d["x_test"]).float().flatten(1) / 255
    mean, std = x_train.mean(), x_train.std()
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std

    loader = DataLoader(x_train, batch_size=128, shuffle=True)
    model = AutoEncoder()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    for epoch in range(15):
        model.train()
        train_loss = 0
        for batch in loader:
            optimizer.zero_grad()
            loss = criterion(model(batch), batch)
            loss.backward()
            optimizer.step()
            train_loss += loss.item()
        model.eval()
        with torch.no_grad():
            test_loss = criterion(model(x_test), x_test).item()
        print("epoch %d  train mse %.4f  test mse %.4f" % (epoch, train_loss / len(loader), test_loss))

    explained = 1 - test_loss / ((x_test - x_train.mean(0)) ** 2).mean().item()
    print("final explained_variance %.4f" % explained)


if __name__ == "__main__":
    main()
