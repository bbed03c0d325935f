"""Linear regression on raw features with a rate that is too large for them: it goes to infinity."""
from _common import *

seed()
raw, _ = letters(2000)
x = torch.tensor(raw)
y = x[:, 1:2] * 0.5 + x[:, 3:4] * 2 + 1 + 0.1 * torch.randn(len(x), 1)
model = torch.nn.Linear(16, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.0005 if FIXED else 0.01)
criterion = torch.nn.MSELoss()
for epoch in range(200):
    out = model(x)
    loss = criterion(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 40 == 39:
        print(epoch, loss.item())
