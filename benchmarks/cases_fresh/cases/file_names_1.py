"""Pictures are written to a folder and read back with their labels, then classified."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from _common import FIXED, fashion, finish, seed
from PIL import Image
from torch import nn

seed()
x, y, xt, yt = fashion(1200, 400)


def export(folder, images):
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number}.png")


def read(folder):
    names = sorted(folder.glob("*.png"), key=lambda p: int(p.stem)) if FIXED else sorted(folder.glob("*.png"))
    return np.stack([np.asarray(Image.open(name)) for name in names])


def prepare(images):
    return (torch.from_numpy(images).float() / 255 - 0.29) / 0.35


with tempfile.TemporaryDirectory() as root:
    export(Path(root), x)
    x = read(Path(root))
x, xt, y, yt = prepare(x)[:, None], prepare(xt)[:, None], torch.tensor(y), torch.tensor(yt)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ELU(),
    nn.AvgPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1),
    nn.ELU(),
    nn.AvgPool2d(2),
    nn.Flatten(),
    nn.Dropout(0.25),
    nn.Linear(32 * 49, 10),
)
opt = torch.optim.NAdam(model.parameters(), lr=1e-3)
for epoch in range(8):
    model.train()
    for start in range(0, 1200, 40):
        pick = torch.randint(0, 1200, (40,))
        loss = nn.functional.cross_entropy(model(x[pick]), y[pick])
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        acc = (model(xt).argmax(1) == yt).float().mean().item()
    print("epoch", epoch, "step", start, "loss", loss.item(), "acc", acc)
finish("accuracy", acc)
