"""Batches by length: each sample at most once an epoch, none left out for good, and any batch by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convergent.data.lengths import by_length, epoch_batches, make_buckets, padding_share
from convergent.data.loader import TrainingBatches, all_once
from convergent.data.text import TextSamples
from convergent.data.tokens import train_words

LENGTHS = st.lists(st.integers(1, 90), min_size=1, max_size=200).map(np.array)


@given(LENGTHS, st.integers(1, 32), st.one_of(st.none(), st.integers(1, 400)))
def test_buckets_hold_every_sample_once_within_the_budget(lengths, batch_size, budget):
    buckets = make_buckets(lengths, batch_size, budget)
    assert sorted(np.concatenate([bucket.samples for bucket in buckets])) == list(range(len(lengths)))
    for bucket in buckets:
        assert 1 <= bucket.batch_size <= batch_size
        longest = lengths[bucket.samples].max()
        assert budget is None or bucket.batch_size == 1 or bucket.batch_size * longest <= budget
        assert len(bucket.samples) - bucket.num_batches * bucket.batch_size < bucket.num_batches + 1


@given(LENGTHS, st.integers(1, 32))
def test_evaluation_reads_every_sample_once(lengths, batch_size):
    parts = list(by_length(lengths, batch_size))
    assert sorted(np.concatenate(parts)) == list(range(len(lengths)))


def some_texts(count: int = 150) -> TextSamples:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcdefgh"), rng.integers(1, 40))) for _ in range(count)]
    return TextSamples(texts, texts, rng.integers(0, 2, count), train_words(texts, 300), 512)


def test_every_epoch_has_the_same_number_of_batches_and_another_order():
    lengths = some_texts().lengths
    buckets = make_buckets(lengths, 16, 300)
    epochs = [epoch_batches(lengths, buckets, 0, epoch) for epoch in range(3)]
    assert len({len(batches) for batches in epochs}) == 1
    assert any(len(a) != len(b) or (a != b).any() for a, b in zip(epochs[0], epochs[1], strict=True))
    seen = {
        int(index)
        for batches in (epoch_batches(lengths, buckets, 0, epoch) for epoch in range(30))
        for b in batches
        for index in b
    }
    assert seen == set(range(150))


@pytest.mark.parametrize("workers", [0, 1])
def test_going_on_at_any_step_gives_the_same_batches(workers):
    batches = TrainingBatches(some_texts(), 16, 3, torch.device("cpu"), workers, token_budget=300)
    steps = batches.steps_per_epoch + 4
    whole = [next_of for next_of, _ in zip(batches.from_step(0), range(steps), strict=False)]
    later = next(iter(TrainingBatches(some_texts(), 16, 3, torch.device("cpu"), 0, 300).from_step(steps - 1)))
    assert later[0] == whole[-1][0] == 1
    assert torch.equal(later[1].inputs[0], whole[-1][1].inputs[0])


def test_buckets_spare_padding():
    batches = TrainingBatches(some_texts(), 16, 0, torch.device("cpu"), token_budget=640)
    share, plain = batches.padding()
    assert share < 0.2 * plain
    assert padding_share(np.array([2, 2]), [np.array([0, 1])]) == 0


def test_evaluation_comes_back_in_order():
    samples = some_texts()
    parts = list(all_once(samples, 8, torch.device("cpu")))
    order = np.concatenate([indices for indices, _ in parts]).argsort()
    targets = torch.cat([batch.targets for _, batch in parts])[torch.from_numpy(order)]
    assert torch.equal(targets, samples.targets_N)
