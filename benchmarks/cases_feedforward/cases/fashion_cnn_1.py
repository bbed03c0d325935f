"""Fashion-MNIST with a small convolutional network, plain SGD with momentum."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR

from _common import FIXED, SAMPLES, seed_all

config = {
    "epochs": 6,
    "batch_size": 50,
    "lr": 0.02 if FIXED else 1e-5,
    "momentum": 0.9,
}


class FashionCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(24 * 7 * 7, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.fc2(F.relu(self.fc1(x)))


def get_data():
    d = np.load(SAMPLES / "fashion.npz")
    xs = []
    for part in ("x_train", "x_test"):
        x = torch.tensor(d[part], dtype=torch.float32).unsqueeze(1) / 255.0
        xs.append((x - 0.2860) / 0.3530)
    return xs[0], torch.tensor(d["y_train"]).long(), xs[1], torch.tensor(d["y_test"]).long()


@torch.no_grad()
def test(model, x, y):
    model.eval()
    logits = torch.cat([model(b) for b in x.split(250)])
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


seed_all()
x_train, y_train, x_test, y_test = get_data()
x_train, y_train = x_train[:4000], y_train[:4000]
model = FashionCNN()
opt = torch.optim.SGD(model.parameters(), lr=config["lr"], momentum=config["momentum"])
sched = CosineAnnealingLR(opt, T_max=config["epochs"])

for epoch in range(1, config["epochs"] + 1):
    model.train()
    order = torch.randperm(len(x_train))
    running = []
    for idx in order.split(config["batch_size"]):
        opt.zero_grad()
        loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
        running.append(loss.item())
    sched.step()
    test_loss, test_acc = test(model, x_test, y_test)
    print(f"Epoch {epoch}: loss={np.mean(running):.4f} test_loss={test_loss:.4f} test_acc={test_acc:.4f}")

print(f"final accuracy {test_acc:.4f}")
