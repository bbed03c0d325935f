"""A plain MLP on tabular rows with SGD, momentum and no validation at all."""
from _common import *
from torch import nn

seed()
x, y, _, _ = letters_split(4000)
w1 = nn.Linear(16, 80)
w2 = nn.Linear(80, 26)
opt = torch.optim.SGD([*w1.parameters(), *w2.parameters()], lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)
for epoch in range(12):
    for i in torch.randperm(len(x)).split(32):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(w2(torch.relu(w1(x[i]))), y[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
