"""What the data gives away or hides: targets among inputs, windows cut before the split, codes among numbers, doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from convergent.doctor.diagnose import judge
from convergent.doctor.evaluations import EvaluationLog, overlap
from convergent.doctor.experiments.dependence import shifted
from convergent.doctor.hashes import hash_samples
from convergent.doctor.record import Evidence, SampleSet
from recorded import call, evaluation, evidence, numbers, stuck
from recorded import regression as of_numbers

N = 800


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def kept(x: Tensor, y: Tensor) -> SampleSet:
    return SampleSet(x, y, [20] * (len(x) // 20), hash_samples(x), True, len(x))


def regression() -> Evidence:
    """A training on numbers that has learned nothing, before its samples are put in."""
    return of_numbers(numbers())


def codes(one: Evidence, *, train: SampleSet, **more: object) -> dict[str, str]:
    """Return the codes and severities that are found with these samples."""
    changed = replace(one, data=replace(one.data, train=train, valid=None, **more))  # type: ignore[arg-type]
    return {found.code: found.severity for found in judge(changed)}


@pytest.mark.parametrize("series", [False, True])
def test_a_target_that_is_one_of_the_inputs(series: bool) -> None:
    walk = draw(N + 30).cumsum(0)
    windows = walk.unfold(0, 24, 1)[:N]
    x = windows[..., None] if series else windows
    last, following = windows[:, -1], walk[24 : N + 24]
    assert codes(regression(), train=kept(x, last))["data/label-leaking-feature"] == "critical"
    assert "data/label-leaking-feature" not in codes(regression(), train=kept(x, following))


@pytest.mark.parametrize("kind", ["numbers", "tokens"])
def test_windows_that_are_cut_before_the_split(kind: str) -> None:
    series = draw(N + 40).cumsum(0)
    series = (20 * series).long() if kind == "tokens" else series
    windows, following = series.unfold(0, 24, 1)[:N], series[24 : N + 24].float()
    at_random = torch.randperm(N, generator=torch.Generator().manual_seed(1))
    for rows, leaks in ((at_random, True), (torch.arange(N), False)):
        train, valid = (kept(windows[mine], following[mine]) for mine in (rows[:600], rows[600:]))
        one = replace(regression(), data=replace(regression().data, train=train, valid=valid))
        found = {f.code: f.severity for f in judge(one)}
        assert (found.get("data/train-val-leakage") == "critical") == leaks, rows[:3]


def test_a_code_for_missing_values_among_numbers() -> None:
    x, y = draw(N, 4), draw(N, 1, seed=1)
    coded = x.clone()
    coded[::60, 2] = -99999
    coded = (coded - coded.mean(0)) / coded.std(0)
    incomes = torch.cat([x[:, :3], draw(N, 1, seed=2).mul(1.5).exp()], 1)
    zeros = torch.cat([x[:, :3], draw(N, 1, seed=3).clamp(min=1.0) - 1.0], 1)
    assert codes(regression(), train=kept(coded, y))["data/inputs-not-normalized"] == "critical"
    for honest in (x, incomes, zeros):
        assert "data/inputs-not-normalized" not in codes(regression(), train=kept(honest, y))


def test_a_channel_that_is_never_filled_in() -> None:
    for x, dim in ((draw(N, 3, 64), 1), (draw(N, 64, 3), 2), (draw(N, 3, 9, 9), 1)):
        y = torch.arange(N) % 4
        empty = x.clone()
        empty.select(dim, 2).zero_()
        assert "data/constant-feature" in codes(evidence(), train=kept(empty, y))
        assert "data/constant-feature" not in codes(evidence(), train=kept(x, y))
    rows = draw(N, 28, 28)
    rows[:, 0] = 0  # the border of a picture is no channel
    assert "data/constant-feature" not in codes(evidence(), train=kept(rows, torch.arange(N) % 4))


def test_equal_inputs_with_different_numbers() -> None:
    clips = draw(20, 16, 24)[torch.arange(N) % 20]
    assert "data/conflicting-labels" in codes(regression(), train=kept(clips, draw(N, seed=1)))
    same = draw(20, seed=1)[torch.arange(N) % 20]
    assert "data/conflicting-labels" not in codes(regression(), train=kept(clips, same))
    dice = torch.randint(0, 6, (N, 2)).float()  # of few values equal inputs are no surprise
    assert "data/conflicting-labels" not in codes(regression(), train=kept(dice, draw(N, seed=1)))


def test_class_weights_that_make_it_worse() -> None:
    y = torch.cat([torch.zeros(720), torch.ones(60), torch.full((20,), 2.0)]).long()
    y = y[torch.randperm(N, generator=torch.Generator().manual_seed(0))]
    train = kept(draw(N, 6) + 4 * draw(3, 6, seed=5)[y], y)
    missed = evaluation(predicted_counts=[200, 0, 0], true_counts=[180, 15, 5])
    one = replace(evidence(), evaluations=[missed])
    for weights, told in (([0.9, 0.075, 0.025], True), ([0.37, 4.4, 13.3], False), ([1.0, 2.0, 4.0], False)):
        loss = call(width=3, weighted=True, class_weights=weights)
        assert ("data/class-imbalance" in codes(one, train=train, loss=loss, num_classes=3)) == told, weights


def overlapping(apart: float, flipped: float, classes: int = 2, seed: int = 0) -> SampleSet:
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, classes, (2000,), generator=g)
    centres = torch.eye(max(8, classes))[:classes] * apart * 2**0.5
    x = torch.randn(2000, max(8, classes), generator=g) + centres[y]
    wrong = torch.rand(2000, generator=g) < flipped
    return kept(x, torch.where(wrong, (y + 1) % classes, y))


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_wrong_labels_stay_where_the_overlap_of_classes_fades(classes: int, seed: int) -> None:
    counts = [200 // classes] * classes
    one = replace(evidence(), evaluations=[evaluation(predicted_counts=counts, true_counts=counts)])
    more = {"loss": call(width=classes), "num_classes": classes}
    for apart in (1.0, 2.0, 3.0):
        assert "data/label-noise" not in codes(one, train=overlapping(apart, 0.0, classes, seed), **more), apart
    for flipped in (0.15, 0.3):
        assert "data/label-noise" in codes(one, train=overlapping(4.0, flipped, classes, seed), **more), flipped


def test_labels_that_belong_to_no_input_where_samples_are_drawn_again() -> None:
    x, y = draw(300, 12), torch.randint(0, 4, (300,), generator=torch.Generator().manual_seed(3))
    rows = torch.randint(0, 300, (N,), generator=torch.Generator().manual_seed(4))
    again = replace(kept(x[rows], y[rows]), with_replacement=True)
    assert "data/labels-shuffled" in codes(replace(stuck(), evaluations=[]), train=again)
    told = kept((x + 3 * draw(4, 12, seed=7)[y])[rows], y[rows])
    assert "data/labels-shuffled" not in codes(replace(stuck(), evaluations=[]), train=told)


def test_several_numbers_that_belong_to_no_input() -> None:
    x, noise = draw(N, 6), draw(N, 2, seed=9)
    assert "data/labels-shuffled" in codes(regression(), train=kept(x, noise))
    assert "data/labels-shuffled" not in codes(regression(), train=kept(x, noise + x[:, :2]))


def test_what_a_decoder_is_given_is_not_its_first_input() -> None:
    source, target = torch.randint(10, 20, (6, 7)), torch.randint(0, 10, (6, 7))
    given = torch.cat([torch.full((6, 1), 10), target[:, :-1]], 1)
    found = shifted(((source, given), {}, target.flatten()))
    assert found is not None and found[0] is given and found[1] == 1
    columns = shifted(((given.T.contiguous(),), {}, target.T.flatten()))
    assert columns is not None and columns[1] == 0
    assert shifted(((source, target), {}, torch.randint(0, 2, (6,)))) is None


def test_training_samples_that_are_scored_without_their_changes_are_no_leak() -> None:
    log = EvaluationLog()
    for start in (0, 1000):
        for step in (10, 20):
            log.compare(step, "mse", torch.zeros(100), torch.arange(100.0) + step, False)
            log.chunks[-1].hashes = [start + row for row in range(100)]
    seen = set(range(0, 1000, 2))
    assert overlap(log.chunks, seen) == 0.0
    for chunk in log.chunks:
        chunk.hashes = [row if row % 4 else row + 1 for row in range(100)]
    assert overlap(log.chunks, seen) == pytest.approx(0.25)
