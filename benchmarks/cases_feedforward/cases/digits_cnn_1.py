"""Handwritten digits (8x8) with a plain convolutional network."""
import numpy as np
import torch
import torch.nn as nn

from _common import FIXED, TABLES, seed_all

BATCH = 32
EPOCHS = 12
WEIGHT_DECAY = 5e-4 if FIXED else 0.2


class DigitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


def batches(x, y, shuffle):
    order = torch.randperm(len(y)) if shuffle else torch.arange(len(y))
    for i in range(0, len(y), BATCH):
        idx = order[i:i + BATCH]
        yield x[idx], y[idx]


def run_epoch(model, x, y, criterion, optimizer=None):
    training = optimizer is not None
    model.train(training)
    loss_sum, correct = 0.0, 0
    with torch.set_grad_enabled(training):
        for xb, yb in batches(x, y, shuffle=training):
            out = model(xb)
            loss = criterion(out, yb)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(yb)
            correct += (out.argmax(1) == yb).sum().item()
    return loss_sum / len(y), correct / len(y)


seed_all()
d = np.load(TABLES / "digits.npz")
x = torch.from_numpy(d["x"]).float().unsqueeze(1)
y = torch.from_numpy(d["y"])
perm = torch.randperm(len(y), generator=torch.Generator().manual_seed(7))
x, y = x[perm], y[perm]
x = (x - x[:1400].mean()) / x[:1400].std()

model = DigitNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=WEIGHT_DECAY)
for epoch in range(EPOCHS):
    tr = run_epoch(model, x[:1400], y[:1400], criterion, optimizer)
    va = run_epoch(model, x[1400:], y[1400:], criterion)
    print(f"{epoch:2d} train {tr[0]:.4f}/{tr[1]:.3f} valid {va[0]:.4f}/{va[1]:.3f}")
print(f"final accuracy {va[1]:.4f}")
