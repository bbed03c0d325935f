"""Convolutional autoencoder for clothes."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, seed_all


class Encoder(nn.Module):
    def __init__(self, code=32):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.fc = nn.Linear(32 * 7 * 7, code)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        return self.fc(x.flatten(1))


class Decoder(nn.Module):
    def __init__(self, code=32):
        super().__init__()
        self.fc = nn.Linear(code, 32 * 7 * 7)
        self.up1 = nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1)

    def forward(self, z):
        x = torch.relu(self.fc(z)).view(-1, 32, 7, 7)
        x = torch.relu(self.up1(x))
        x = self.up2(x)
        return x if FIXED else torch.sigmoid(x)


def main():
    seed_all()
    data = fashion()
    normalize = lambda a: (torch.from_numpy(a.astype(np.float32) / 255)[:, None] - 0.286) / 0.353
    train, test = normalize(data["x_train"]), normalize(data["x_test"])
    loader = DataLoader(TensorDataset(train), batch_size=64, shuffle=True)
    encoder, decoder = Encoder(), Decoder()
    params = list(encoder.parameters()) + list(decoder.parameters())
    optimizer = torch.optim.Adam(params, lr=1e-3)
    criterion = nn.MSELoss()
    for epoch in range(8):
        encoder.train()
        decoder.train()
        for step, (x,) in enumerate(loader):
            loss = criterion(decoder(encoder(x)), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 30 == 0:
                print(f"  epoch {epoch} step {step} loss {loss.item():.4f}")
        encoder.eval()
        decoder.eval()
        with torch.no_grad():
            mse = criterion(decoder(encoder(test)), test).item()
        print(f"epoch {epoch}: reconstruction error on test images {mse:.4f}")
    print(f"final mse {mse:.4f}")


if __name__ == "__main__":
    main()
