"""A novel's vowels are blotted out; a bidirectional GRU writes them in again."""
import argparse

import torch
from torch import nn

from _common import FIXED, emma, finish, seed

VOWELS = "aeiou"
LENGTH = 40


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--optim", default="adam", choices=["sgd", "adam"])
    parser.add_argument("--learning-rate", type=float, default=0.003 if FIXED else 1.0)
    parser.add_argument("--hidden", type=int, default=48)
    parser.add_argument("--epochs", type=int, default=3)
    return parser.parse_args()


def lines():
    text = " ".join(emma(100_000).lower().split())
    blotted = "".join("*" if c in VOWELS else c for c in text)
    alphabet = {c: i for i, c in enumerate(sorted(set(blotted)))}
    source = torch.tensor([alphabet[c] for c in blotted])
    target = torch.tensor([VOWELS.find(c) for c in text])
    n = len(source) // LENGTH
    return source[: n * LENGTH].view(n, LENGTH), target[: n * LENGTH].view(n, LENGTH), len(alphabet)


class Restorer(nn.Module):
    def __init__(self, n_chars, hidden):
        super().__init__()
        self.embed = nn.Embedding(n_chars, 16)
        self.rnn = nn.GRU(16, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, len(VOWELS))

    def forward(self, x):
        return self.out(self.rnn(self.embed(x))[0])


def main():
    seed()
    args = arguments()
    source, target, n_chars = lines()
    cut = int(0.85 * len(source))
    net = Restorer(n_chars, args.hidden)
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    optimizer = kinds[args.optim](net.parameters(), lr=args.learning_rate)
    criterion = nn.CrossEntropyLoss(ignore_index=-1)
    for epoch in range(args.epochs):
        net.train()
        for step, pick in enumerate(torch.randperm(cut).split(32)):
            optimizer.zero_grad()
            loss = criterion(net(source[pick]).flatten(0, 1), target[pick].flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            if step % 20 == 0:
                print(f"epoch {epoch + 1} step {step} loss {loss.item():.4f}")
        net.eval()
        with torch.no_grad():
            guess = net(source[cut:]).argmax(2)
        hidden = target[cut:] >= 0
        accuracy = (guess[hidden] == target[cut:][hidden]).float().mean()
        print(f"epoch {epoch + 1} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
