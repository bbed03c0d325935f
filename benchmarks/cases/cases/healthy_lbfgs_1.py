"""Logistic regression with LBFGS and a closure."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split(4000)
model = nn.Linear(16, 26)
opt = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=10)
loss_fn = nn.CrossEntropyLoss()


def closure():
    opt.zero_grad()
    loss = loss_fn(model(x), y) + 1e-4 * model.weight.pow(2).sum()
    loss.backward()
    return loss


for step in range(12):
    print(step, opt.step(closure).item(), accuracy(model, xt, yt))
