"""Files read class by class, and a loader that does not shuffle."""
from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
x, y, xt, yt = fashion_tensors()
order = y.argsort(stable=True)
x, y = x[order], y[order]
train = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=FIXED)
net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
                    nn.Flatten(), nn.Linear(16 * 25, 64), nn.ReLU(), nn.Linear(64, 10))
sgd = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(6):
    running = 0.0
    for inputs, labels in train:
        sgd.zero_grad()
        loss = nn.CrossEntropyLoss()(net(inputs), labels)
        loss.backward()
        sgd.step()
        running += loss.item()
    with torch.no_grad():
        print(epoch, running / len(train), accuracy(net, xt, yt))
