"""A LeNet with tanh whose weights are set by an init function, with model.apply."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed

seed()
x, y, xt, yt = fashion(2000, 500)
x, xt = ((torch.tensor(a).float()[:, None] / 255 - 0.286) / 0.353 for a in (x, xt))
y, yt = torch.tensor(y), torch.tensor(yt)


def init_weights(m):
    if isinstance(m, (nn.Linear, nn.Conv2d)):
        if FIXED:
            nn.init.xavier_uniform_(m.weight)
        else:
            nn.init.uniform_(m.weight)
        m.bias.data.fill_(0.01)


net = nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=5, padding=2),
    nn.Tanh(),
    nn.AvgPool2d(kernel_size=2, stride=2),
    nn.Conv2d(6, 16, kernel_size=5),
    nn.Tanh(),
    nn.AvgPool2d(kernel_size=2, stride=2),
    nn.Flatten(),
    nn.Linear(400, 120),
    nn.Tanh(),
    nn.Linear(120, 84),
    nn.Tanh(),
    nn.Linear(84, 10),
)
net.apply(init_weights)
opt = torch.optim.SGD(net.parameters(), lr=0.05)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(6):
    net.train()
    metric = [0.0, 0, 0]
    for i in torch.randperm(2000).split(50):
        opt.zero_grad()
        y_hat = net(x[i])
        l = loss_fn(y_hat, y[i])
        l.backward()
        opt.step()
        with torch.no_grad():
            metric[0] += l.item() * len(i)
            metric[1] += (y_hat.argmax(1) == y[i]).sum().item()
            metric[2] += len(i)
    net.eval()
    with torch.no_grad():
        test_acc = (net(xt).argmax(1) == yt).float().mean().item()
    print(f"loss {metric[0] / metric[2]:.3f}, train acc {metric[1] / metric[2]:.3f}, test acc {test_acc:.3f}")
finish("accuracy", test_acc)
