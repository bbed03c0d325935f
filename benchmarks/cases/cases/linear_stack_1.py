"""Three linear layers and a dropout between them, no activation."""
from _common import *
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(16, 100)
        self.l2 = nn.Linear(100, 100)
        self.l3 = nn.Linear(100, 26)
        self.drop = nn.Dropout(0.05)

    def forward(self, x):
        act = torch.relu if FIXED else (lambda t: t)
        x = act(self.l1(x))
        x = act(self.l2(self.drop(x)))
        return self.l3(x)


seed()
x, y, xt, yt = letters_split()
model, crit = Model(), nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(len(x)).split(50):
        loss = crit(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, crit(model(xt), yt).item(), accuracy(model, xt, yt))
