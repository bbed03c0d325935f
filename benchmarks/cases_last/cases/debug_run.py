"""Garments with a small loop of hooks, in the manner of the well-known frameworks."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, Subset, TensorDataset

FLAGS = {"max_epochs": 12, "overfit_batches": 0 if FIXED else 3, "val_every": 3}


class Module(nn.Module):
    def training_step(self, batch):
        raise NotImplementedError

    def validation_step(self, batch):
        raise NotImplementedError


class Garments(Module):
    def __init__(self, width=16):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 5, stride=2, padding=2)
        self.norm = nn.BatchNorm2d(width)
        self.mix = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.head = nn.Linear(2 * width * 49, 10)

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x)))
        return self.head(F.relu(self.mix(x)).flatten(1))

    def training_step(self, batch):
        x, y = batch
        return F.cross_entropy(self(x), y)

    def validation_step(self, batch):
        x, y = batch
        return (self(x).argmax(1) == y).float().mean()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


class Fitter:
    def __init__(self, max_epochs, overfit_batches=0, val_every=1):
        self.max_epochs, self.overfit_batches, self.val_every = max_epochs, overfit_batches, val_every

    def fit(self, module, train_set, valid_set, batch_size=32):
        steps = len(train_set) // batch_size
        if self.overfit_batches:
            train_set = Subset(train_set, range(self.overfit_batches * batch_size))
        loader = DataLoader(train_set, batch_size, shuffle=True, drop_last=True)
        optimizer = module.configure_optimizers()
        for epoch in range(self.max_epochs):
            module.train()
            done = 0
            while done < steps:
                for batch in loader:
                    loss = module.training_step(batch)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    done += 1
            if (epoch + 1) % self.val_every == 0:
                print(f"epoch {epoch} loss {loss.item():.4f} val_acc {self.validate(module, valid_set):.4f}")
        return self.validate(module, valid_set)

    @torch.no_grad()
    def validate(self, module, valid_set):
        module.eval()
        return torch.stack([module.validation_step(b) for b in DataLoader(valid_set, 250)]).mean().item()


if __name__ == "__main__":
    seed()
    xa, ya, xb, yb = fashion(2000, 500)
    sets = [
        TensorDataset((torch.tensor(x)[:, None].float() - 73) / 90, torch.tensor(y)) for x, y in ((xa, ya), (xb, yb))
    ]
    finish("accuracy", Fitter(**FLAGS).fit(Garments(), *sets))
