"""Character GPT-2 from a Hugging Face configuration, trained from scratch on Emma."""
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.utils import logging

from _common import FIXED, SAMPLES, SEED, seed_all

logging.set_verbosity_error()
BLOCK, BATCH, STEPS = 32, 16, 240


def build(vocab):
    config = GPT2Config(
        vocab_size=vocab, n_positions=BLOCK, n_embd=64, n_layer=2, n_head=4,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        initializer_range=0.02 if FIXED else 1.0,
        bos_token_id=0, eos_token_id=0, use_cache=False,
    )
    torch.manual_seed(SEED)
    return GPT2LMHeadModel(config)


def sample(ids, generator):
    starts = torch.randint(len(ids) - BLOCK, (BATCH,), generator=generator)
    return torch.stack([ids[s:s + BLOCK] for s in starts])


@torch.no_grad()
def evaluate(model, ids):
    model.eval()
    x = ids[: len(ids) // BLOCK * BLOCK].view(-1, BLOCK)
    out = model(input_ids=x, labels=x)
    hits = (out.logits[:, :-1].argmax(2) == x[:, 1:]).float().mean()
    model.train()
    return out.loss.item(), hits.item()


def main():
    seed_all()
    text = (SAMPLES / "emma.txt").read_text().lower()[:300_000]
    chars = sorted(set(text))
    ids = torch.tensor([chars.index(c) for c in text])
    train, valid = ids[:270_000], ids[290_000:297_000]
    model = build(len(chars))
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 20) * (1 - s / (STEPS + 1)) )
    generator = torch.Generator().manual_seed(SEED)
    model.train()
    running = 0.0
    for step in range(1, STEPS + 1):
        x = sample(train, generator)
        loss = model(input_ids=x, labels=x).loss
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        warm.step()
        running += loss.item()
        if step % 30 == 0:
            val, acc = evaluate(model, valid)
            print(f"step {step:4d}  train {running / 30:.4f}  valid {val:.4f}  accuracy {acc:.4f}")
            running = 0.0
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
