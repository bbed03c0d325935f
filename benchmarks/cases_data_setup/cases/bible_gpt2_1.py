"""Spanish verses, character by character, with a GPT-2 from a small configuration."""
import csv
import math

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from transformers import GPT2Config, GPT2LMHeadModel, get_cosine_schedule_with_warmup

from _common import FIXED, SAMPLES, seed_all

LENGTH = 48


def verses(limit=1000):
    with open(SAMPLES / "bible-en-es.tsv", encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t")[1].lower() for line in file.readlines()[1:limit + 1]]
    text = "\n".join(lines)
    alphabet = {c: k for k, c in enumerate(sorted(set(text)))}
    ids = torch.tensor([alphabet[c] for c in text])
    return ids[:len(ids) // LENGTH * LENGTH].view(-1, LENGTH), len(alphabet)


def loss_of(model, ids):
    logits = model(input_ids=ids).logits[:, :-1]
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def main():
    seed_all()
    ids, vocab = verses()
    cut = len(ids) - 300
    train = DataLoader(TensorDataset(ids[:cut]), batch_size=16, shuffle=True)
    val = DataLoader(TensorDataset(ids[cut:]), batch_size=100)
    config = GPT2Config(vocab_size=vocab, n_positions=LENGTH, n_embd=64, n_layer=2, n_head=4,
                        bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(config)
    epochs = 2
    steps = epochs * len(train)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3 if FIXED else 0.1, weight_decay=0.01)
    schedule = get_cosine_schedule_with_warmup(optimizer, steps // 20, steps)
    for epoch in range(epochs):
        model.train()
        running = 0.0
        for step, (batch,) in enumerate(train, 1):
            optimizer.zero_grad()
            loss = loss_of(model, batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            running += loss.item()
            if step % 60 == 0:
                print(f"  step {step} loss {running / step:.4f}")
        model.eval()
        with torch.no_grad():
            val_loss = sum(loss_of(model, b).item() * len(b) for (b,) in val) / 300
        print(f"epoch {epoch + 1} train {running / len(train):.4f} val {val_loss:.4f} ppl {math.exp(val_loss):.3f}")
    print(f"final val_loss {val_loss:.4f}")


if __name__ == "__main__":
    main()
