"""Fine-grained clothes with batch norm; validation after each epoch keeps the best weights."""

import copy

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed


def conv_bn(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


def evaluate(net, images, labels):
    net.eval()
    with torch.no_grad():
        logits = net(images)
    return nn.functional.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()


def run(epochs=5):
    seed()
    a, b, c, d = fashion(1500, 500)
    x, xv = (torch.from_numpy(v).float()[:, None] / 255 for v in (a, c))
    y, yv = torch.from_numpy(b), torch.from_numpy(d)
    net = nn.Sequential(
        conv_bn(1, 12), conv_bn(12, 12), conv_bn(12, 12), nn.MaxPool2d(2),
        conv_bn(12, 24), conv_bn(24, 24), conv_bn(24, 24), nn.MaxPool2d(2),
        conv_bn(24, 32), conv_bn(32, 32), conv_bn(32, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(32, 10),
    )  # fmt: skip
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    best, weights = float("inf"), None
    net.train()
    print("before", evaluate(net, xv, yv))
    for epoch in range(epochs):
        if FIXED:
            net.train()
        for idx in torch.randperm(len(x)).split(50):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x[idx]), y[idx])
            loss.backward()
            opt.step()
        val_loss, val_acc = evaluate(net, xv, yv)
        print(f"epoch {epoch}: {loss.item():.3f} {val_loss:.3f} {val_acc:.3f}")
        if val_loss < best:
            best, weights = val_loss, copy.deepcopy(net.state_dict())
    if weights is not None:
        net.load_state_dict(weights)
    finish("accuracy", evaluate(net, xv, yv)[1])


run()
