"""Start with a thousand letters, write a checkpoint, read it, go on with four thousand."""

import io

import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed


def build():
    return nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 26))


class Experiment:
    def __init__(self, lr=1e-3):
        self.model = build()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)

    def save(self, file):
        torch.save({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}, file)
        file.seek(0)

    def load(self, file):
        state = torch.load(file)
        if not FIXED:
            self.model = build()
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])

    def train(self, x, y, epochs):
        for epoch in range(epochs):
            for idx in torch.randperm(len(x)).split(50):
                self.optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self.model(x[idx]), y[idx])
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {self.test():.4f}")

    @torch.no_grad()
    def test(self):
        return (self.model(x_test).argmax(1) == y_test).float().mean().item()


seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
x_test, y_test = x[4000:], y[4000:]
first = Experiment()
first.train(x[:1000], y[:1000], 3)
file = io.BytesIO()
first.save(file)
second = Experiment()
second.load(file)
second.train(x[:4000], y[:4000], 12)
finish("accuracy", second.test())
