"""Does a hand of cards hold two that are alike? A small transformer encoder decides."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, seed

CARDS, HAND, WIDTH = 40, 7, 32


def hands(n):
    """Half of the hands hold a pair, half hold none; the cards lie in any order."""
    cards = torch.stack([torch.randperm(CARDS)[:HAND] for _ in range(n)])
    alike = torch.arange(n) % 2
    for row in torch.nonzero(alike).flatten().tolist():
        first, second = torch.randperm(HAND)[:2].tolist()
        cards[row, first] = cards[row, second]
    order = torch.randperm(n)
    return cards[order], alike[order]


class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.cards = nn.Embedding(CARDS, WIDTH)
        kind = {"batch_first": True} if FIXED else {}
        layer = nn.TransformerEncoderLayer(WIDTH, 4, dim_feedforward=64, dropout=0.0, **kind)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.verdict = nn.Linear(WIDTH, 2)

    def forward(self, x):
        return self.verdict(self.encoder(self.cards(x)).mean(1))


def evaluate(net, loader):
    net.eval()
    with torch.no_grad():
        hits = torch.cat([net(x).argmax(1) == y for x, y in loader])
    return hits.float().mean().item()


def main():
    seed()
    train = DataLoader(TensorDataset(*hands(12000)), batch_size=50, shuffle=True)
    test = DataLoader(TensorDataset(*hands(1000)), batch_size=50)
    net = Judge()
    epochs = 10
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=epochs * len(train))
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item()
        print(f"epoch {epoch + 1} loss {total / len(train):.4f} accuracy {evaluate(net, test):.4f}")
    finish("accuracy", evaluate(net, test))


if __name__ == "__main__":
    main()
