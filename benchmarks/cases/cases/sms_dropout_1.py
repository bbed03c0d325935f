"""A bag of word embeddings with much dropout; nobody calls eval()."""
from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Spam(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.emb = nn.EmbeddingBag(words, 32, padding_idx=0)
        self.net = nn.Sequential(nn.Dropout(0.5), nn.Linear(32, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 2))

    def forward(self, x):
        return self.net(self.emb(x))


def main():
    seed()
    x, y, words = sms()
    data = TensorDataset(x, y)
    train, test = random_split(data, [len(data) - 1000, 1000])
    model = Spam(words)
    optim = torch.optim.Adam(model.parameters(), lr=5e-3)
    crit = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 4.0]))
    for epoch in range(6):
        model.train()
        for xb, yb in DataLoader(train, 64, shuffle=True):
            optim.zero_grad()
            loss = crit(model(xb), yb)
            loss.backward()
            optim.step()
        if FIXED:
            model.eval()
        total = hits = 0
        with torch.no_grad():
            for xb, yb in DataLoader(test, 250):
                out = model(xb)
                total += crit(out, yb).item()
                hits += (out.argmax(-1) == yb).sum().item()
        print(epoch, total / 4, hits / 1000)


if __name__ == "__main__":
    main()
