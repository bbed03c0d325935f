"""The engine on small networks: steps, schedules, checkpoints, plan."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convergent.config import make_config
from convergent.engine import checkpoint
from convergent.engine.budget import adjusted_total
from convergent.engine.plan import Plan, make_state, measure
from convergent.engine.state import Progress, TrainState
from convergent.engine.step import CompiledStep, EagerStep, Recipe, can_compile
from convergent.optim import _iterated, _iterated_gram, make_optimizers, schedule_factor
from convergent.task import supervised_step
from convergent.types import Batch, UserError

OPTIMIZERS = ["gradient_descent", "sgd", "adam", "adamw", "rmsprop", "adagrad", "muon"]
SCHEDULES = ["constant", "linear", "step", "cosine", "one_cycle", "warmup_stable_decay", "reduce_on_plateau"]


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))


def batches(count: int) -> list[Batch]:
    generator = torch.Generator().manual_seed(1)
    xs = [torch.randn(32, 6, generator=generator) for _ in range(count)]
    return [Batch((x,), x[:, :3].argmax(1)) for x in xs]


def settings(**options: object) -> Recipe:
    defaults = {"optimizer": "adamw", "learning_rate": 1e-2, "weight_decay": 0.01, "schedule": "constant"}
    config = make_config({**defaults, **options})
    return Recipe(supervised_step, nn.CrossEntropyLoss(), None, config, torch.device("cpu"))


def state_for(recipe: Recipe) -> TrainState:
    return make_state(network(), recipe, Plan())


def trained(
    recipe: Recipe, kind: type[EagerStep] | type[CompiledStep], count: int = 5
) -> tuple[TrainState, list[float]]:
    state = state_for(recipe)
    step = kind(state, recipe)
    return state, [step(batch, i, 1.0, 0.0)[0].item() for i, batch in enumerate(batches(count))]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_lowers_the_loss(optimizer: str) -> None:
    rate = {"gradient_descent": 0.5, "rmsprop": 3e-3}.get(optimizer, 3e-2)
    _, losses = trained(settings(optimizer=optimizer, learning_rate=rate), EagerStep, 60)
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns about its own internals
def test_compiled_step_does_what_the_eager_one_does(optimizer: str) -> None:
    torch.compiler.reset()
    # No dropout: a compiled graph draws other random numbers from the same seed.
    recipe = settings(optimizer=optimizer, clip_norm=0.5, l2=1e-3)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    ends = []
    for kind in (EagerStep, CompiledStep):
        torch.manual_seed(0)
        for module in model:
            if isinstance(module, nn.Linear):
                module.reset_parameters()
        state = make_state(model, recipe, Plan())
        assert can_compile(state, recipe.config, recipe.device)
        step = kind(state, recipe)
        losses = [step(batch, i, 0.5, 0.0)[0].item() for i, batch in enumerate(batches(6))]
        ends.append((losses, {k: v.clone() for k, v in model.state_dict().items()}, state.tensors()))
    assert ends[0][0] == pytest.approx(ends[1][0], rel=1e-4)
    for name, tensor in ends[0][1].items():
        torch.testing.assert_close(tensor, ends[1][1][name], rtol=1e-3, atol=1e-5)
    assert ends[0][2].keys() == ends[1][2].keys()


def test_accumulation_gives_the_gradient_of_the_whole_batch() -> None:
    whole, _ = trained(settings(optimizer="sgd", dropout=0.0), EagerStep)
    model = nn.Linear(6, 3)
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    ends = []
    for parts in (1, 3):
        model.load_state_dict(start)
        recipe = settings(optimizer="sgd", accumulate=parts)
        state = make_state(model, recipe, Plan())
        EagerStep(state, recipe)(batches(1)[0], 0, 1.0, 0.0)
        ends.append(model.weight.detach().clone())
    torch.testing.assert_close(ends[0], ends[1])
    assert whole.progress.step == 0


def test_weight_decay_spares_biases_and_norms() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Embedding(3, 4))
    for optimizer in ("adamw", "sgd", "muon"):
        config = make_config(optimizer=optimizer, learning_rate=0.1, weight_decay=0.5)
        decayed = [
            parameter
            for made in make_optimizers(model, config)
            for group in made.param_groups
            if group.get("weight_decay") or group.get("decoupled_decay")
            for parameter in group["params"]
        ]
        assert any(parameter is model[0].weight for parameter in decayed)
        assert not any(parameter is model[0].bias or parameter is model[1].weight for parameter in decayed)


def test_muon_leaves_the_output_layer_to_its_companion() -> None:
    model = network()
    muon, companion = make_optimizers(model, make_config(optimizer="muon", learning_rate=0.1, weight_decay=0.0))
    assert [id(p) for group in muon.param_groups for p in group["params"]] == [id(model[0].weight)]
    rest = {id(p) for group in companion.param_groups for p in group["params"]}
    assert rest == {id(model[0].bias), id(model[3].weight), id(model[3].bias)}


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon", "rmsprop"])
def test_decay_alone_shrinks_the_weights_by_lr_times_decay(optimizer: str) -> None:
    recipe = settings(optimizer=optimizer, learning_rate=0.1, weight_decay=0.5)
    model = nn.Linear(6, 3)
    before = model.weight.detach().clone()
    state = make_state(model, recipe, Plan())

    def constant_loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return 0.0 * outputs.sum()

    EagerStep(state, Recipe(supervised_step, constant_loss, None, recipe.config, recipe.device))(batches(1)[0], 0, 1, 0)
    torch.testing.assert_close(model.weight.detach(), before * 0.95)


@given(st.sampled_from(SCHEDULES), st.floats(0, 0.9), st.integers(1, 500))
def test_a_schedule_stays_between_zero_and_the_peak(schedule: str, warmup: float, total: int) -> None:
    config = make_config(schedule=schedule, warmup=warmup)
    factors = [schedule_factor(config, step, total) for step in range(total)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert max(factors) > 0


def test_a_time_limit_shortens_the_schedule_and_lengthens_it_until_its_last_part() -> None:
    late, middle = Progress(step=900, total_steps=1000), Progress(step=500, total_steps=1000)
    early = Progress(step=100, total_steps=1000)
    assert 990 < adjusted_total(late, 9.8, 0.1, None) < 1000
    assert adjusted_total(late, 1000.0, 0.1, None) == 1000
    assert 1060 < adjusted_total(middle, 60.0, 0.1, None) < 1100
    assert adjusted_total(early, 1000.0, 0.1, None) > 9000
    assert adjusted_total(early, 1000.0, 0.1, most=1200) == 1200


def test_near_its_end_a_schedule_is_still_shortened() -> None:
    ending = Progress(step=990, total_steps=1000)
    assert adjusted_total(ending, 0.5, 0.1, None) == 994


def test_the_plan_never_changes_the_model_and_names_what_it_did_not_time() -> None:
    recipe = settings()
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    record = measure(model, recipe, batches(4), steps=100)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert sum(row.taken for row in record.candidates) == 1
    assert any("too few to pay" in row.note for row in record.candidates)


def saved(folder: Path, *steps: int) -> TrainState:
    recipe = settings(ema=0.9, optimizer="muon")
    state, _ = trained(recipe, EagerStep)
    for step in steps:
        state.progress.step = step
        checkpoint.write_checkpoint(folder, "step", step, state.tensors(), state.scalars())
    return state


def test_a_checkpoint_brings_back_every_tensor_and_number(tmp_path: Path) -> None:
    state = saved(tmp_path, 7)
    tensors, manifest, passed_over = checkpoint.newest_valid(tmp_path)
    other = state_for(settings(ema=0.9, optimizer="muon"))
    other.restore(tensors, manifest)
    assert passed_over == [] and other.progress == state.progress
    mine, theirs = state.tensors(), other.tensors()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize("damage", ["truncate", "alter", "no manifest", "half manifest"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(tmp_path: Path, damage: str) -> None:
    saved(tmp_path, 5, 9)
    newest = tmp_path / "step-00000009"
    tensors, manifest = newest / checkpoint.TENSORS, newest / checkpoint.MANIFEST
    content = bytearray(tensors.read_bytes())
    if damage == "truncate":
        tensors.write_bytes(content[:-3])
    elif damage == "alter":
        content[-2] ^= 1
        tensors.write_bytes(content)
    elif damage == "no manifest":
        manifest.unlink()
    else:
        manifest.write_text(manifest.read_text()[:20])
    _, found, passed_over = checkpoint.newest_valid(tmp_path)
    assert found["step"] == 5
    assert len(passed_over) == 1 and "step-00000009" in passed_over[0]


def test_a_checkpoint_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, 5)
    path = tmp_path / "step-00000005" / checkpoint.MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 99}))
    with pytest.raises(UserError, match="newer version"):
        checkpoint.newest_valid(tmp_path)


def test_an_interrupted_write_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    saved(tmp_path, 5)
    half = tmp_path / ".step-00000009.123.tmp"
    half.mkdir()
    (half / checkpoint.TENSORS).write_bytes(b"half")
    assert checkpoint.newest_valid(tmp_path)[1]["step"] == 5
    checkpoint.prune(tmp_path)
    assert not half.exists()


def test_a_full_disk_is_said_and_what_was_saved_stays(tmp_path: Path) -> None:
    state = saved(tmp_path, 5)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(UserError, match="disk is full"):
            checkpoint.write_checkpoint(tmp_path, "step", 9, state.tensors(), state.scalars())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005"]
    assert checkpoint.newest_valid(tmp_path)[1]["step"] == 5


def test_prune_keeps_two_and_the_best_they_need(tmp_path: Path) -> None:
    state = saved(tmp_path, 1, 2, 3)
    for step in (1, 3):
        checkpoint.write_checkpoint(tmp_path, "best", step, {"w": torch.ones(1)}, {})
    state.progress.best_step = 3
    for step in (4, 5):
        checkpoint.write_checkpoint(tmp_path, "step", step, state.tensors(), state.scalars())
    checkpoint.prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best-00000003", "step-00000004", "step-00000005"]


@pytest.mark.parametrize("rank", [40, 3])
def test_muon_comes_to_the_same_on_the_square_of_a_wide_matrix(rank: int) -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(40, rank, generator=generator) @ torch.randn(rank, 160, generator=generator)
    matrix /= matrix.norm()
    assert torch.allclose(_iterated(matrix, 3), _iterated_gram(matrix, 3), atol=1e-4)
