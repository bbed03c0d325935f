"""Character LSTM on Emma with truncated back-propagation through time."""
import torch
from torch import nn

from _common import FIXED, SAMPLES, seed_all

STREAMS, BPTT = 32, 32


def corpus():
    text = (SAMPLES / "emma.txt").read_text().lower()[1000:151000]
    text = "".join(c if c.isalpha() or c in " .,;'-\n" else " " for c in text)
    chars = sorted(set(text))
    ids = torch.tensor([chars.index(c) for c in text])
    return ids[:130_000], ids[130_000:], len(chars)


def fold(ids, n):
    length = len(ids) // n
    return ids[: length * n].view(n, length)


class CharLSTM(nn.Module):
    def __init__(self, vocab, width=96):
        super().__init__()
        self.embed = nn.Embedding(vocab, 32)
        self.lstm = nn.LSTM(32, width, batch_first=True)
        self.out = nn.Linear(width, vocab)

    def forward(self, x, state=None):
        h, state = self.lstm(self.embed(x), state)
        return self.out(h), state


def segments(streams):
    for s in range(0, streams.shape[1] - 1, BPTT):
        e = min(s + BPTT, streams.shape[1] - 1)
        yield streams[:, s:e], streams[:, s + 1:e + 1]


def train_epoch(net, streams, opt, loss_fn):
    net.train()
    state, total, n = None, 0.0, 0
    opt.zero_grad()
    for x, y in segments(streams):
        if FIXED:
            opt.zero_grad()
        out, state = net(x, state)
        state = tuple(s.detach() for s in state)
        loss = loss_fn(out.flatten(0, 1), y.flatten())
        loss.backward()
        opt.step()
        total, n = total + loss.item(), n + 1
    return total / n


@torch.no_grad()
def evaluate(net, streams, loss_fn):
    net.eval()
    state, total, hits, n = None, 0.0, 0, 0
    for x, y in segments(streams):
        out, state = net(x, state)
        total += loss_fn(out.flatten(0, 1), y.flatten()).item() * y.numel()
        hits += (out.argmax(2) == y).sum().item()
        n += y.numel()
    return total / n, hits / n


def main():
    seed_all()
    train, valid, vocab = corpus()
    net = CharLSTM(vocab)
    opt = torch.optim.SGD(net.parameters(), lr=1.0, momentum=0.8)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(5):
        a = train_epoch(net, fold(train, STREAMS), opt, loss_fn)
        b, acc = evaluate(net, fold(valid, 8), loss_fn)
        print(f"epoch {epoch + 1} | train {a:.4f} | valid {b:.4f} | next-char accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
