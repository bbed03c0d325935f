"""Decoder-only Transformer on Bible verses, scored by the character it puts after a held-out context."""
import torch
from torch import nn

from _common import FIXED, SAMPLES, seed_all

CTX = 24


class Decoder(nn.Module):
    def __init__(self, vocab, d=64, heads=4, layers=2):
        super().__init__()
        self.tok = nn.Embedding(vocab, d)
        self.pos = nn.Embedding(CTX, d)
        block = nn.TransformerEncoderLayer(d, heads, 4 * d, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, layers, norm=nn.LayerNorm(d), enable_nested_tensor=False)
        self.head = nn.Linear(d, vocab)

    def forward(self, idx):
        t = idx.size(1)
        h = self.tok(idx) + self.pos(torch.arange(t, device=idx.device))
        mask = nn.Transformer.generate_square_subsequent_mask(t) if FIXED else None
        return self.head(self.blocks(h, mask=mask))


def batches(ids, steps, size):
    for _ in range(steps):
        start = torch.randint(len(ids) - CTX - 1, (size, 1))
        w = ids[start + torch.arange(CTX + 1)]
        yield w[:, :-1], w[:, 1:]


def next_char_accuracy(model, ids):
    """Share of held-out contexts whose next character is guessed."""
    model.eval()
    windows = ids.unfold(0, CTX + 1, 11)[:1500]
    with torch.no_grad():
        guess = torch.cat([model(w[:, :-1])[:, -1].argmax(-1) for w in windows.split(250)])
    model.train()
    return (guess == windows[:, -1]).float().mean().item()


def main():
    seed_all()
    with open(f"{SAMPLES}/bible-en-es.tsv", encoding="utf-8") as f:
        text = "\n".join(line.split("\t")[0] for line in f.readlines()[1:4001]).lower()
    vocab = sorted(set(text))
    index = {c: i for i, c in enumerate(vocab)}
    ids = torch.tensor([index[c] for c in text])
    train, held = ids[:-40_000], ids[-40_000:]

    model = Decoder(len(vocab))
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    sched = torch.optim.lr_scheduler.LinearLR(opt, 0.1, 1.0, total_iters=40)
    criterion = nn.CrossEntropyLoss()
    step = 0
    for epoch in range(6):
        total = 0.0
        for x, y in batches(train, 40, 32):
            loss = criterion(model(x).flatten(0, 1), y.flatten())
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            total += loss.item()
            step += 1
        acc = next_char_accuracy(model, held)
        print(f"epoch {epoch + 1} step {step}: loss {total / 40:.4f}, next character accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
