"""Each fault put into a healthy training of each kind of network is named; healthy trainings are met with silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainings import CLASSES, KINDS, Data, Setup, images, run, series, split, table, warm_up

Change = Callable[[Setup], Setup]
TOP = 3


def on_data(change: Callable[[Tensor, Tensor, Tensor, Tensor], Data]) -> Change:
    return lambda setup: setup.with_(data=lambda: change(*setup.data()))


def on_model(change: Callable[[nn.Module], object]) -> Change:
    def make(setup: Setup) -> Setup:
        def model() -> nn.Module:
            made = setup.model()
            change(made)
            return made

        return setup.with_(model=model)

    return make


def sgd(rate: float, **options: float) -> Change:
    return lambda setup: setup.with_(optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=rate, **options))


def shuffled_labels(x: Tensor, y: Tensor, x_valid: Tensor, y_valid: Tensor) -> Data:
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(1))
    return x, y[order], x_valid, y_valid


def leaked(x: Tensor, y: Tensor, x_valid: Tensor, y_valid: Tensor) -> Data:
    return torch.cat([x, x_valid[:80]]), torch.cat([y, y_valid[:80]]), x_valid, y_valid


def with_nan(x: Tensor, y: Tensor, x_valid: Tensor, y_valid: Tensor) -> Data:
    x = x.clone()
    x[37] = float("nan")
    return x, y, x_valid, y_valid


def sorted_by_class(x: Tensor, y: Tensor, x_valid: Tensor, y_valid: Tensor) -> Data:
    order = y.argsort()
    return x[order], y[order], x_valid, y_valid


def equal_weights(model: nn.Module) -> None:
    for parameter in model.parameters():
        if parameter.ndim >= 2:
            nn.init.constant_(parameter, 0.05)


def freeze_half(setup: Setup) -> Setup:
    def optimizer(model: nn.Module) -> torch.optim.Optimizer:
        parameters = list(model.parameters())
        return torch.optim.Adam(parameters[-2:], lr=3e-3)

    return setup.with_(optimizer=optimizer)


def softmax_first(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output.softmax(1), target)


FAULTS: dict[str, tuple[set[str], Change]] = {
    "learning rate too high": (
        {"training/learning-rate-too-high", "setup/learning-rate-out-of-range", "training/divergence"},
        lambda setup: setup.with_(optimizer=lambda m: torch.optim.Adam(m.parameters(), lr=10.0)),
    ),
    "learning rate too low": (
        {"training/learning-rate-too-low", "setup/learning-rate-out-of-range", "training/slow-convergence"},
        sgd(1e-6),
    ),
    "softmax before cross-entropy": (
        {"setup/output-loss-mismatch"},
        lambda setup: setup.with_(loss=softmax_first),
    ),
    "gradients not set to zero": ({"setup/missing-zero-grad"}, lambda setup: setup.with_(zero_grad=False)),
    "labels shuffled": ({"data/labels-shuffled", "data/label-noise"}, on_data(shuffled_labels)),
    "validation in training": ({"data/train-val-leakage"}, on_data(leaked)),
    "equal weights": ({"setup/bad-initialization"}, on_model(equal_weights)),
    "not in the optimiser": ({"setup/parameters-not-trained"}, freeze_half),
    "weight decay too large": (
        {"training/regularization-dominates"},
        lambda setup: setup.with_(optimizer=lambda m: torch.optim.Adam(m.parameters(), lr=3e-3, weight_decay=3.0)),
    ),
    "sorted by class": (
        {"data/not-shuffled"},
        lambda setup: on_data(sorted_by_class)(setup).with_(shuffle=False),
    ),
    "NaN in the inputs": ({"data/non-finite-values"}, on_data(with_nan)),
    "inputs far from unit scale": (
        {"data/inputs-not-normalized"},
        on_data(lambda x, y, a, b: (1000 * x + 4000, y, 1000 * a + 4000, b)),
    ),
    "validation prepared otherwise": (
        {"data/preprocessing-mismatch"},
        lambda setup: setup.with_(prepare_valid=lambda x: 8 * x + 20),
    ),
}
REAL_INPUTS = {
    "labels shuffled",
    "NaN in the inputs",
    "inputs far from unit scale",
    "validation prepared otherwise",
    "sorted by class",
}
"""Faults of numbers that tokens do not have, or that no cheap probe sees in tokens."""
SWITCHED = {
    "training in evaluation mode": ({"setup/wrong-mode"}, {"train_mode": False}),
    "evaluation in training mode": ({"setup/wrong-mode"}, {"eval_mode": False}),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_fault_is_named(kind: str, fault: str) -> None:
    if kind == "transformer" and fault in REAL_INPUTS:
        pytest.skip("tokens have no scale, and no cheap probe reads them")
    if kind == "cnn" and fault in ("equal weights", "inputs far from unit scale"):
        pytest.skip("batch norm mends both")
    if kind in ("cnn", "transformer") and fault == "weight decay too large":
        pytest.skip("norm layers make the weights' scale irrelevant")
    wanted, change = FAULTS[fault]
    _, findings = run(change(KINDS[kind]))
    assert wanted & {f.code for f in findings[:TOP]}, [(f.code, f.severity, f.message) for f in findings]


@pytest.mark.parametrize("fault", SWITCHED)
@pytest.mark.parametrize("kind", ["mlp", "cnn", "transformer"])
def test_wrong_mode_is_named(kind: str, fault: str) -> None:
    wanted, changes = SWITCHED[fault]
    _, findings = run(KINDS[kind].with_(**changes))
    assert findings and findings[0].code in wanted, [(f.code, f.severity, f.message) for f in findings]


def regression() -> Data:
    x, _y, x_valid, _y_valid = table()
    weights = torch.linspace(-1, 1, 8)
    noise = torch.Generator().manual_seed(8)
    both = torch.cat([x, x_valid])
    target = torch.tanh(both @ weights) + 0.5 * torch.randn(len(both), generator=noise)
    return split(both, target[:, None])


def regressor() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))


def rare_class() -> Data:
    x, y, x_valid, y_valid = table()
    return x, (y == 0).float()[:, None], x_valid, (y_valid == 0).float()[:, None]


def binary() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))


def pixels() -> Data:
    x, y, x_valid, y_valid = images()
    return x.sigmoid(), y, x_valid.sigmoid(), y_valid


def same() -> Data:
    x, _, x_valid, _ = series()
    return x.flatten(1), x.flatten(1), x_valid.flatten(1), x_valid.flatten(1)


def coder() -> nn.Module:
    return nn.Sequential(nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, 4), nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 32))


def deep_tanh() -> nn.Module:
    layers: list[nn.Module] = [nn.Linear(8, 32), nn.Tanh()]
    for _ in range(3):
        layers += [nn.Linear(32, 32), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(32, CLASSES))


def frozen() -> nn.Module:
    model = KINDS["mlp"].model()
    assert isinstance(model, nn.Sequential)
    nn.init.orthogonal_(model[0].weight)
    for parameter in model[0].parameters():
        parameter.requires_grad_(False)
    return model


MLP, CNN = KINDS["mlp"], KINDS["cnn"]
HEALTHY: dict[str, Setup] = {
    **KINDS,
    "mlp, two epochs": MLP.with_(epochs=2),
    "mlp, momentum": MLP.with_(
        optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    ),
    "mlp, plain descent": MLP.with_(optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.1), epochs=20),
    "mlp, RMSprop": MLP.with_(optimizer=lambda m: torch.optim.RMSprop(m.parameters(), lr=1e-3)),
    "mlp, accumulation": MLP.with_(accumulate=4, batch_size=16),
    "mlp, clipping": MLP.with_(clip=1.0),
    "mlp, label smoothing": MLP.with_(loss=lambda o, t: F.cross_entropy(o, t, label_smoothing=0.2)),
    "mlp, class weights": MLP.with_(loss=lambda o, t: F.cross_entropy(o, t, weight=torch.tensor([1.0, 2, 1, 1]))),
    "mlp, batches of 8": MLP.with_(batch_size=8),
    "mlp, warm-up and cosine": MLP.with_(schedule=warm_up(20)),
    "mlp, four tanh layers": MLP.with_(model=deep_tanh, epochs=15),
    "mlp, frozen first layer": MLP.with_(model=frozen),
    "mlp, regression with noise": MLP.with_(data=regression, model=regressor, loss=F.mse_loss, epochs=15),
    "mlp, smooth L1": MLP.with_(data=regression, model=regressor, loss=F.smooth_l1_loss, epochs=15),
    "mlp, one class in four": MLP.with_(data=rare_class, model=binary, loss=F.binary_cross_entropy_with_logits),
    "autoencoder": MLP.with_(data=same, model=coder, loss=F.mse_loss, epochs=20),
    "cnn, pixels between 0 and 1": CNN.with_(data=pixels),
    "cnn, augmented": CNN.with_(augment=lambda x: x + 0.3 * torch.randn_like(x), epochs=12),
    "cnn, bfloat16": CNN.with_(autocast=True),
    "cnn, one epoch": CNN.with_(epochs=1),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_training_is_met_with_silence(name: str) -> None:
    _, findings = run(HEALTHY[name])
    loud = [(f.code, f.severity, f.message) for f in findings if f.severity != "info"]
    assert not loud


@pytest.mark.parametrize("kind", KINDS)
def test_weights_and_generators_are_the_same_with_and_without_the_doctor(kind: str) -> None:
    watched, _ = run(KINDS[kind].with_(epochs=3))
    after_watched = torch.rand(3)
    bare, _ = run(KINDS[kind].with_(epochs=3), watched=False)
    assert torch.equal(after_watched, torch.rand(3))
    for (name, one), other in zip(watched.state_dict().items(), bare.state_dict().values(), strict=True):
        assert torch.equal(one, other), name
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in watched.modules())
