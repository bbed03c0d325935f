"""An MLP-Mixer on clothing whose learning rate falls when the validation loss stands still."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.optim.lr_scheduler import ReduceLROnPlateau

seed()
x, y, xt, yt = fashion(2000, 500)
x, xt = ((torch.tensor(a) / 255.0 - 0.286).div(0.353) for a in (x, xt))
y, yt = torch.tensor(y), torch.tensor(yt)


class MixerBlock(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.token = nn.Sequential(nn.Linear(tokens, 32), nn.GELU(), nn.Linear(32, tokens))
        self.channel = nn.Sequential(nn.Linear(dim, 64), nn.GELU(), nn.Linear(64, dim))

    def forward(self, x):
        x = x + self.token(self.n1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel(self.n2(x))


class Mixer(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.patch = nn.Conv2d(1, dim, 4, 4)
        self.blocks = nn.Sequential(*[MixerBlock(49, dim) for _ in range(3)])
        self.norm, self.fc = nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, x):
        x = self.patch(x.unsqueeze(1)).flatten(2).transpose(1, 2)
        return self.fc(self.norm(self.blocks(x)).mean(1))


model = Mixer()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = ReduceLROnPlateau(optimizer, mode="min" if FIXED else "max", factor=0.1, patience=1 if FIXED else 0)
for epoch in range(12):
    model.train()
    for idx in torch.randperm(2000).split(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(xt)
        val_loss = nn.functional.cross_entropy(out, yt).item()
        acc = (out.argmax(1) == yt).float().mean().item()
    scheduler.step(val_loss)
    print(f"epoch {epoch} train {loss.item():.3f} val {val_loss:.3f} acc {acc:.3f}")
finish("accuracy", acc)
