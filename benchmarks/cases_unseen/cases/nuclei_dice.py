"""Segmentation of nuclei with the soft Dice coefficient."""

import torch
import torch.nn as nn
from _common import FIXED, finish, nuclei, seed

seed()
images, masks = nuclei()
x = (torch.tensor(images).float() / 255)[:, None]
y = (torch.tensor(masks.astype("int64")) > 0).float()[:, None]
x = (x - x[:12].mean()) / x[:12].std()
patches_x = nn.functional.unfold(x[:12], 64, stride=32).transpose(1, 2).reshape(-1, 1, 64, 64)
patches_y = nn.functional.unfold(y[:12], 64, stride=32).transpose(1, 2).reshape(-1, 1, 64, 64)


def dice_coeff(pred, target, smooth=1.0):
    pred, target = pred.flatten(1), target.flatten(1)
    inter = (pred * target).sum(1)
    return ((2 * inter + smooth) / (pred.sum(1) + target.sum(1) + smooth)).mean()


class DiceLoss(nn.Module):
    def forward(self, logits, target):
        score = dice_coeff(torch.sigmoid(logits), target)
        return 1 - score if FIXED else score


def block(i, o, d=1):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=d, dilation=d), nn.GroupNorm(4, o), nn.ReLU())


net = nn.Sequential(block(1, 12), block(12, 12, 2), block(12, 12, 4), block(12, 12), nn.Conv2d(12, 1, 1))
criterion = DiceLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(6):
    net.train()
    mean_loss = 0.0
    for idx in torch.randperm(len(patches_x)).split(9):
        optimizer.zero_grad()
        loss = criterion(net(patches_x[idx]), patches_y[idx])
        loss.backward()
        optimizer.step()
        mean_loss += loss.item() / 12
    net.eval()
    with torch.no_grad():
        validation = dice_coeff((net(x[12:]) > 0).float(), y[12:]).item()
    print(f"epoch {epoch}: loss {mean_loss:.4f}, validation dice {validation:.4f}")
finish("dice", validation)
