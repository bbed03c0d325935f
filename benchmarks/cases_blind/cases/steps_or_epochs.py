"""A small GPT-2 finds the largest number: the schedule of the library is told how long the training lasts."""

import torch
from _common import FIXED, finish, seed
from transformers import GPT2Config, GPT2LMHeadModel, get_linear_schedule_with_warmup


def rows_of_numbers(n, top=13):
    """Six numbers, a sign, and the largest of them."""
    a = torch.randint(0, top, (n, 6))
    return torch.cat([a, torch.full((n, 1), top), a.amax(1, keepdim=True)], 1)


def exact(model, rows):
    model.eval()
    with torch.no_grad():
        return (model(input_ids=rows[:, :7]).logits[:, -1].argmax(-1) == rows[:, 7]).float().mean().item()


def run(num_epochs=6, batch_size=50):
    seed()
    train, test = rows_of_numbers(2000), rows_of_numbers(500)
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=14, n_positions=8, n_embd=48, n_layer=2, n_head=4, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    per_epoch = len(train) // batch_size
    scheduler = get_linear_schedule_with_warmup(
        optimizer, num_warmup_steps=2, num_training_steps=num_epochs * per_epoch if FIXED else num_epochs
    )
    for epoch in range(num_epochs):
        model.train()
        for idx in torch.randperm(len(train)).split(batch_size):
            batch = train[idx]
            labels = batch.clone()
            labels[:, :7] = -100
            loss = model(input_ids=batch, labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        print(f"epoch {epoch} | loss {loss.item():.3f} | exact {exact(model, test):.3f}")
    finish("accuracy", exact(model, test))


run()
