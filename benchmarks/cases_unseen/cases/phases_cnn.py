"""Image classification with the training and validation phases of the tutorial."""

import random

import torch
from _common import FIXED, fashion, finish, seed
from torch import nn
from torch.utils.data import DataLoader, Dataset

seed()
MEAN, STD = 0.2860, 0.3530


class Compose:
    def __init__(self, *steps):
        self.steps = steps

    def __call__(self, x):
        for step in self.steps:
            x = step(x)
        return x


def to_tensor(x):
    return torch.from_numpy(x).float().unsqueeze(0) / 255


def normalize(x):
    return (x - MEAN) / STD


def random_flip(x):
    return x.flip(-1) if random.random() < 0.5 else x


data_transforms = {
    "train": Compose(to_tensor, random_flip, normalize),
    "val": Compose(to_tensor, normalize) if FIXED else Compose(to_tensor),
}


class Images(Dataset):
    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.transform(self.images[i]), self.labels[i]


a, b, c, d = fashion(2500, 500)
dataloaders = {
    "train": DataLoader(Images(a, b, data_transforms["train"]), batch_size=64, shuffle=True),
    "val": DataLoader(Images(c, d, data_transforms["val"]), batch_size=100),
}
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
    nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
)  # fmt: skip
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(8):
    for phase in ("train", "val"):
        model.train(phase == "train")
        loss_sum, corrects = 0.0, 0
        for inputs, labels in dataloaders[phase]:
            with torch.set_grad_enabled(phase == "train"):
                outputs = model(inputs)
                loss = criterion(outputs, labels)
                if phase == "train":
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
            loss_sum += loss.item() * len(labels)
            corrects += (outputs.argmax(1) == labels).sum().item()
        size = len(dataloaders[phase].dataset)
        print(f"{epoch} {phase} Loss: {loss_sum / size:.4f} Acc: {corrects / size:.4f}")
finish("accuracy", corrects / size)
