"""A convolutional autoencoder for pictures of clothes."""
import torch
from torch import nn
from torch.utils.data import DataLoader

from _common import FIXED, fashion, seed_all


class Autoencoder(nn.Module):
    def __init__(self, code=24):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 4, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 4, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(16 * 49, code))
        self.decoder = nn.Sequential(
            nn.Linear(code, 16 * 49), nn.ReLU(), nn.Unflatten(1, (16, 7, 7)),
            nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1),
            nn.Identity() if FIXED else nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main():
    seed_all()
    d = fashion()
    prep = lambda a: ((torch.from_numpy(a).float() / 255 - 0.286) / 0.353).unsqueeze(1)
    train, val = prep(d["x_train"][:4000]), prep(d["x_test"])
    loader = DataLoader(train, batch_size=40, shuffle=True)
    net, criterion = Autoencoder(), nn.MSELoss()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(7):
        net.train()
        total = 0.0
        for images in loader:
            opt.zero_grad()
            loss = criterion(net(images), images)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            val_loss = criterion(net(val), val).item()
        r2 = 1 - val_loss / val.var().item()
        print(f"epoch {epoch + 1}: reconstruction train {total / len(loader):.4f} val {val_loss:.4f} r2 {r2:.4f}")
    print(f"final val_mse {val_loss:.4f}")


if __name__ == "__main__":
    main()
