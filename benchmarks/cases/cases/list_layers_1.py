"""Hidden layers kept in a plain Python list, which parameters() does not see."""
from _common import *
from torch import nn


class Deep(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        hidden = [nn.Linear(64, 64) for _ in range(3)]
        self.first = nn.Linear(inputs, 64)
        self.hidden = nn.ModuleList(hidden) if FIXED else hidden
        self.last = nn.Linear(64, classes)

    def forward(self, x):
        x = torch.relu(self.first(x))
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.last(x)


seed()
x, y, xt, yt = letters_split()
model = Deep(16, 26)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    permutation = torch.randperm(x.size(0))
    for i in range(0, x.size(0), 64):
        indices = permutation[i:i + 64]
        optimizer.zero_grad()
        loss = criterion(model(x[indices]), y[indices])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), accuracy(model, xt, yt))
