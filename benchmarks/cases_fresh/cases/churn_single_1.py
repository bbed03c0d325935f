"""Will the customer leave? A network with one output, written for the first time."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

seed()
torch.random.manual_seed(99)
months = torch.rand(2000) * 60
calls = torch.poisson(torch.full((2000,), 1.5))
fee = 20 + 30 * torch.rand(2000)
score = 0.8 * calls - 0.06 * months + 0.05 * fee - 1.2 + 0.5 * torch.randn(2000)
y = (score > 0).float().unsqueeze(1)
X = torch.stack([months, calls, fee], dim=1)
X = (X - X.mean(dim=0)) / X.std(dim=0)
X_train, X_test, y_train, y_test = X[:1500], X[1500:], y[:1500], y[1500:]
seed()


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Linear(3, 16)
        self.layer2 = nn.Linear(16, 8)
        self.output = nn.Linear(8, 1)

    def forward(self, x):
        x = torch.relu(self.layer1(x))
        x = torch.relu(self.layer2(x))
        return self.output(x)


model = Model()
criterion = nn.BCEWithLogitsLoss() if FIXED else nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(200):
    model.train()
    y_pred = model(X_train)
    loss = criterion(y_pred, y_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 20 == 19:
        model.eval()
        with torch.no_grad():
            predicted = (torch.sigmoid(model(X_test)) > 0.5).float()
            acc = (predicted == y_test).float().mean()
        print(f"Epoch {epoch + 1}: loss {loss.item():.4f}, accuracy {acc:.4f}")
finish("accuracy", acc)
