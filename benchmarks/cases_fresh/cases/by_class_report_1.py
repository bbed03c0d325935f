"""A batch-normalised CNN with a report of the accuracy for each class at the end of every epoch."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed

seed()
x, y, xt, yt = fashion(2000, 600)
norm = lambda a: (torch.tensor(a, dtype=torch.float32).unsqueeze(1) / 255 - 0.286) / 0.353  # noqa: E731
x, xt, y, yt = norm(x), norm(xt), torch.tensor(y), torch.tensor(yt)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [1, 16, 32, 32]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(widths, widths[1:], strict=False))
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in widths[1:])
        self.out = nn.Linear(32 * 16, 10)

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = torch.relu(norm(conv(x)))
        return self.out(x.flatten(1))


@torch.no_grad()
def report(net):
    """Return the mean over the classes, each of which is scored in its own batches."""
    if FIXED:
        net.eval()
    by_class = [(net(xt[yt == c]).argmax(1) == c).float().mean().item() for c in range(10)]
    net.train()
    return sum(by_class) / 10


net = ConvNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(6):
    for i in torch.randperm(2000).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    balanced = report(net)
    print(f"epoch {epoch}: loss {loss.item():.3f} balanced accuracy {balanced:.3f}")
finish("balanced_accuracy", balanced)
