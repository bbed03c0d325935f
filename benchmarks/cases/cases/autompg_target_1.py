"""Weight of a car in kilograms from its other numbers."""
from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

seed()
g = torch.Generator().manual_seed(3)
n = 400
z = torch.randn(n, 7, generator=g)
kg = 1400 + 260 * z[:, 0] + 120 * z[:, 1] * z[:, 2].tanh() + 40 * torch.randn(n, generator=g)
y = kg[:, None]
if FIXED:
    y = (y - y.mean()) / y.std()
train, test = random_split(TensorDataset(z, y), [320, 80], generator=g)
model = nn.Sequential(nn.Linear(7, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001)


def run(loader, training):
    total, count = 0.0, 0
    for xb, yb in loader:
        with torch.set_grad_enabled(training):
            loss = nn.functional.mse_loss(model(xb), yb)
        if training:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total, count = total + loss.item() * len(xb), count + len(xb)
    return total / count


for epoch in range(40):
    model.train()
    a = run(DataLoader(train, 32, shuffle=True), True)
    model.eval()
    b = run(DataLoader(test, 80), False)
    if epoch % 10 == 0:
        print("Epoch", epoch, "MSE", a, "val MSE", b)
