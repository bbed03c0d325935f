"""Sixteen numbers for every garment: an autoencoder."""
import torch
from torch import nn
from torch.utils.data import DataLoader

from _common import FIXED, fashion, finish, seed

SIZES = [784, 256, 128, 64, 32, 16]


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        activation = nn.ReLU if FIXED else nn.Sigmoid
        encoder, decoder = [], []
        for a, b in zip(SIZES[:-1], SIZES[1:]):
            encoder += [nn.Linear(a, b), activation()]
        for a, b in zip(SIZES[:0:-1], SIZES[-2::-1]):
            decoder += [nn.Linear(a, b), activation()]
        self.encoder = nn.Sequential(*encoder[:-1])
        self.decoder = nn.Sequential(*decoder[:-1], nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


def explained(net, x, mean):
    """Share of the deviation from the mean picture that comes back."""
    net.eval()
    with torch.no_grad():
        out = net(x)
    return (1 - ((out - x) ** 2).mean() / ((mean - x) ** 2).mean()).item()


def main():
    seed()
    x_train, _, x_test, _ = fashion(4000, 1000)
    x_train = torch.from_numpy(x_train).float().flatten(1) / 255
    x_test = torch.from_numpy(x_test).float().flatten(1) / 255
    mean = x_train.mean(0)
    loader = DataLoader(x_train, batch_size=64, shuffle=True)
    net = Autoencoder()
    loss_function = nn.MSELoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(15):
        net.train()
        total = 0.0
        for batch in loader:
            optimizer.zero_grad()
            loss = loss_function(net(batch), batch)
            loss.backward()
            optimizer.step()
            total += loss.item()
        score = explained(net, x_test, mean)
        print(f"epoch {epoch + 1} mse {total / len(loader):.5f} explained {score:.4f}")
    finish("r2", score)


if __name__ == "__main__":
    main()
