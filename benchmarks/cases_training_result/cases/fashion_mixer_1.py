"""MLP-Mixer on 4x4 patches of fashion images."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


class MixerBlock(nn.Module):
    def __init__(self, tokens, width):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens = nn.Sequential(nn.Linear(tokens, 48), nn.GELU(), nn.Linear(48, tokens))
        self.channels = nn.Sequential(nn.Linear(width, 96), nn.GELU(), nn.Linear(96, width))

    def forward(self, x):
        x = x + self.tokens(self.n1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.n2(x))


class Mixer(nn.Module):
    def __init__(self, width=40):
        super().__init__()
        self.patch = nn.Conv2d(1, width, 4, 4)
        self.blocks = nn.Sequential(MixerBlock(49, width), MixerBlock(49, width))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(x)).mean(1))


def predict(net, loader, loss_fn):
    net.eval()
    outs, losses = [], []
    with torch.no_grad():
        for x, y in loader:
            z = net(x)
            losses.append(loss_fn(z, y).item())
            outs.append(z)
    return torch.cat(outs), sum(losses) / len(losses)


def main():
    seed_all()
    with np.load(SAMPLES / "fashion.npz") as d:
        arrays = {k: torch.from_numpy(d[k]) for k in ("x_train", "y_train", "x_test", "y_test")}
    norm = lambda a: (a.float().reshape(-1, 1, 28, 28) / 255 - 0.286) / 0.353
    train_set = TensorDataset(norm(arrays["x_train"]), arrays["y_train"].long())
    val_set = TensorDataset(norm(arrays["x_test"]), arrays["y_test"].long())
    options = dict(batch_size=100)
    train_loader = DataLoader(train_set, shuffle=True, **options)
    val_loader = DataLoader(val_set, shuffle=not FIXED, **options)
    y_val = val_set.tensors[1]
    net = Mixer()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(5):
        net.train()
        running = 0.0
        for x, y in train_loader:
            opt.zero_grad()
            loss = loss_fn(net(x), y)
            loss.backward()
            opt.step()
            running += loss.item() / len(train_loader)
        logits, val_loss = predict(net, val_loader, loss_fn)
        accuracy = (logits.argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch + 1} train_loss {running:.4f} val_loss {val_loss:.4f} val_accuracy {accuracy:.4f}")
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
