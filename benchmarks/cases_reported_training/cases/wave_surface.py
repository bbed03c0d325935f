"""Height of a standing wave over a basin, learned from measured points."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, r2, seed


class MLP(nn.Module):
    def __init__(self, dims, act=None):
        super().__init__()
        layers = []
        for i, (a, b) in enumerate(zip(dims[:-1], dims[1:])):
            layers.append(nn.Linear(a, b))
            if act is not None and i < len(dims) - 2:
                layers.append(act)
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


def measure(count):
    place = torch.rand(count, 3) * 2 - 1
    x, y, t = place.unbind(1)
    height = torch.sin(2.5 * x) * torch.cos(3 * y) * torch.cos(2 * t) + 0.4 * x + 0.05 * torch.randn(count)
    return place, (height / height.std()).unsqueeze(1)


def main():
    seed()
    x_train, y_train = measure(4000)
    x_test, y_test = measure(1000)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
    model = MLP([3, 64, 64, 64, 1], act=nn.Tanh() if FIXED else None)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(20):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            out = model(x_test)
            test_loss, score = criterion(out, y_test).item(), r2(out, y_test).item()
        print(f"epoch {epoch + 1} train {total / len(loader):.4f} test {test_loss:.4f} r2 {score:.4f}")
    finish("r2", score)


if __name__ == "__main__":
    main()
