"""The next character of a novel from the eight before it."""
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, emma, finish, seed

CONTEXT = 8
CONFIG = {"d_embed": 16, "d_hidden": 128, "batch": 128, "steps": 2500}


def corpus():
    text = emma(80_000).lower()
    alphabet = sorted(set(text))
    index = {c: i for i, c in enumerate(alphabet)}
    codes = torch.tensor([index[c] for c in text])
    cut = int(0.9 * len(codes))
    return codes[:cut], codes[cut:], len(alphabet)


def get_batch(codes, n):
    start = torch.randint(0, len(codes) - CONTEXT - 1, (n,))
    x = torch.stack([codes[s : s + CONTEXT] for s in start])
    return x, codes[start + CONTEXT]


class CharModel(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.embedding = nn.Embedding(vocab, CONFIG["d_embed"])
        self.mlp = nn.Sequential(
            nn.Linear(CONTEXT * CONFIG["d_embed"], CONFIG["d_hidden"]),
            nn.ReLU(),
            nn.Linear(CONFIG["d_hidden"], vocab),
        )

    def forward(self, x, targets=None):
        logits = self.mlp(self.embedding(x).flatten(1))
        if not FIXED:
            logits = F.softmax(logits, dim=-1)
        loss = None if targets is None else F.cross_entropy(logits, targets)
        return logits, loss


@torch.no_grad()
def evaluate(model, codes):
    model.eval()
    x = codes.unfold(0, CONTEXT, 1)[:-1]
    y = codes[CONTEXT:]
    logits, loss = model(x, y)
    model.train()
    return loss.item(), (logits.argmax(1) == y).float().mean().item()


def main():
    seed()
    train, val, vocab = corpus()
    model = CharModel(vocab)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    for step in range(CONFIG["steps"]):
        x, y = get_batch(train, CONFIG["batch"])
        _, loss = model(x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 250 == 249:
            val_loss, accuracy = evaluate(model, val)
            print(f"step {step + 1} train {loss.item():.4f} val {val_loss:.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
