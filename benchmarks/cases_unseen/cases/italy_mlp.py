"""Summer or winter from a day's power demand."""

import numpy as np
import torch
from _common import FIXED, finish, seed, series
from torch import nn

seed()
x, y = series("ItalyPowerDemand", "TEST")
rng = np.random.default_rng(2)
order = rng.permutation(len(x))
x, y = torch.tensor(x[order]), torch.tensor(y[order])
train_x, train_y, test_x, test_y = x[:800], y[:800], x[800:], y[800:]


class DemandClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(24, 64)
        self.hidden2 = nn.Linear(64, 64)
        self.out = nn.Linear(64, 2)
        self.act = nn.ELU()

    def forward(self, x):
        return self.out(self.act(self.hidden2(self.act(self.hidden1(x)))))


net = DemandClassifier()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(train_x, train_y), batch_size=32, shuffle=True)

for epoch in range(40):
    running_loss, correct = 0.0, 0
    for inputs, labels in loader:
        if FIXED:
            optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        if not FIXED:
            optimizer.zero_grad()
        optimizer.step()
        running_loss += loss.item()
        correct += (outputs.argmax(1) == labels).sum().item()
    if epoch % 5 == 0:
        print(f"epoch {epoch}: loss {running_loss / len(loader):.4f}, accuracy {correct / len(train_x):.3f}")

net.eval()
with torch.no_grad():
    finish("accuracy", (net(test_x).argmax(1) == test_y).float().mean())
