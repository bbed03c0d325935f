"""Which chord is played: a CNN on spectrograms of short synthetic recordings."""

import math

import torch
from _common import FIXED, finish, seed
from torch import nn
from torch.utils.data import DataLoader, Dataset

RATE, LENGTH = 4000, 2048
CHORDS = [(220, 277, 330), (220, 262, 330), (247, 311, 370), (247, 294, 370), (196, 247, 294), (196, 233, 294)]


class Recordings(Dataset):
    def __init__(self, n, seed, transform):
        self.g = torch.Generator().manual_seed(seed)
        self.y = torch.randint(0, len(CHORDS), (n,), generator=self.g)
        t = torch.arange(LENGTH) / RATE
        waves = []
        for k in self.y.tolist():
            gains = 10 ** (1.6 * torch.rand(3, generator=self.g) - 1)
            tones = [a * torch.sin(2 * math.pi * f * t + 6 * a) for a, f in zip(gains, CHORDS[k], strict=True)]
            waves.append(sum(tones) + 0.5 * torch.randn(LENGTH, generator=self.g))
        window = torch.hann_window(256)
        spec = torch.stft(torch.stack(waves), 256, 128, window=window, return_complex=True).abs() ** 2
        self.x = transform(spec[:, :40])[:, None]

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def decibel(power):
    return (10 * torch.log10(power + 1e-3) - 15) / 12


seed()
train = Recordings(900, 1, decibel)
val = Recordings(300, 2, decibel if FIXED else lambda power: power / power.amax((1, 2), keepdim=True))
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, stride=(1, 2), padding=1),
    nn.SiLU(),
    nn.Conv2d(16, 16, 3, stride=(2, 2), padding=1),
    nn.SiLU(),
    nn.Flatten(),
    nn.LazyLinear(len(CHORDS)),
)
model(train.x[:2])
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    model.train()
    for x, y in DataLoader(train, 30, shuffle=True, drop_last=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y, label_smoothing=0.05)
        loss.backward()
        optimizer.step()
    model.eval()
    correct = 0
    for x, y in DataLoader(val, 100):
        with torch.no_grad():
            correct += (model(x).argmax(1) == y).sum().item()
    print(f"epoch={epoch} loss={loss.item():.3f} acc={correct / len(val):.3f}")
finish("accuracy", correct / len(val))
