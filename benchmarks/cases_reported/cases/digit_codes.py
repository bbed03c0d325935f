"""Digits squeezed through twelve numbers and drawn again: an autoencoder."""
import torch
from torch import nn
from torch.utils.data import DataLoader

from _common import FIXED, finish, r2, seed, table


class Executor:
    """Trains for an epoch and measures; the rest is up to the caller."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer
        self.criterion = nn.MSELoss()

    def train(self, loader):
        self.model.train()
        total = 0.0
        for images in loader:
            loss = self.criterion(self.model(images), images)
            if FIXED:
                self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(images)
        return total / len(loader.dataset)

    def measure(self, images):
        self.model.eval()
        with torch.no_grad():
            drawn = self.model(images)
        return r2(drawn, images).item()


class AutoEncoder(nn.Module):
    def __init__(self, code=12):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.LeakyReLU(), nn.Linear(48, code))
        self.decoder = nn.Sequential(nn.Linear(code, 48), nn.LeakyReLU(), nn.Linear(48, 64))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main():
    seed()
    images, _ = table("digits")
    images = torch.tensor(images, dtype=torch.float32).flatten(1) / 8 - 0.6
    images = images[torch.randperm(len(images))]
    train, test = images[:1400], images[1400:]
    loader = DataLoader(train, batch_size=32, shuffle=True)
    model = AutoEncoder()
    executor = Executor(model, torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.8))
    for epoch in range(50):
        loss = executor.train(loader)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: loss {loss:.4f}, held-out r2 {executor.measure(test):.4f}")
    finish("r2", executor.measure(test))


if __name__ == "__main__":
    main()
