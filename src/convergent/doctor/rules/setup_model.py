"""Is the network built as it is meant: initialised, connected, every part trained, samples and tokens kept apart?"""

from __future__ import annotations

import math

from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence, Layer
from convergent.doctor.statistics import (
    SAME_LOSS,
    change_by_exchange,
    dead_from_the_start,
    failed,
    learned_well,
    median,
    room,
)
from convergent.types import Finding

MATRICES = ("Linear", "Conv", "Bilinear", "LSTM", "GRU", "RNN", "Quant")
SMALLEST_GAIN, LARGEST_GAIN = 0.03, 3.8
"""Of std * sqrt(fan_in): torch's default has 0.58, Glorot 1, He 1.41; both ends leave room for every known scheme."""
RECURRENT = ("LSTM", "GRU", "RNN")
HE = 2**0.5
FEWEST_HIDDEN, NOTHING = 4, 1e-4
"""Layers, and the share of a signal that passes all of them."""
ARRIVES = 0.01
"""Of a spread across samples that began at about 1: residual connections bring the signal around the layers."""
DEPENDS = 1e-3
GROWN = 100.0
"""Times, of a recurrent state at its first weights."""
FEWEST_PASSES = 10
MANY_ROWS = 0.05
"""Of an embedding: padding, unknown words and a few others may well be zero."""
LOW_RANK = "lora_"
"""In the names of peft's low-rank updates: the second of a pair starts from zero, so that the first has no gradient."""


def has_matrix(layer: Layer) -> bool:
    """Return whether a layer multiplies by a weight matrix that is drawn at random."""
    if LOW_RANK in layer.name:
        return False
    return len(layer.weight_shape) >= 2 and (layer.kind.startswith(MATRICES) or layer.multiplies)


def bad_initialization(evidence: Evidence) -> Finding | None:
    """Say where units start equal, or weights far outside every usual spread."""
    layers = [one for one in evidence.layers if has_matrix(one) and one.trainable]
    equal = [
        one for one in layers if one.equal_units and not one.multiplies and not one.is_last and one.weight_shape[0] > 1
    ]
    constant = [one for one in equal if one.weight_std > 0 or one.weight_mean != 0]
    if constant or (equal and failed(evidence)):
        mine = constant or equal
        return finding(
            "setup/bad-initialization",
            "critical",
            mine[0].name,
            f"all units of {', '.join(one.name for one in mine[:3])} start with the same weights, get the same "
            "gradient "
            "and stay equal: the layer acts as a single unit",
            weight_mean=mine[0].weight_mean,
            layers=[one.name for one in mine],
        )
    return _grows_in_time(evidence) or _spread(evidence, layers)


def _grows_in_time(evidence: Evidence) -> Finding | None:
    """Say where the state of a recurrent network with ReLU grows from step to step at its first weights."""
    tried = evidence.experiments
    if tried.hidden_growth is None or not tried.hidden_growth > GROWN or not failed(evidence):
        return None
    return finding(
        "setup/bad-initialization",
        "critical",
        tried.growing_layer,
        f"with its first weights the state of {tried.growing_layer} grows {tried.hidden_growth:.3g} times from the "
        "first third of a sequence to its end: the recurrent weights are too large for ReLU, which holds nothing back "
        "(an identity or an orthogonal matrix below 1 keeps its size)",
        growth=tried.hidden_growth,
    )


def _spread(evidence: Evidence, layers: list[Layer]) -> Finding | None:
    if evidence.pretrained:
        return None
    normed = any("Norm" in one.kind for one in evidence.layers)
    drawn = [one for one in layers if one.weight_std > 0]
    gains = {
        one.name: one.weight_std * math.sqrt(one.fan_in) for one in drawn if not (one.is_last and one.weight_std < 1)
    }
    large = {name: gain for name, gain in gains.items() if gain > LARGEST_GAIN}
    # torch draws a recurrent layer's weights by its own width: of few inputs they are small.
    recurrent = {one.name for one in drawn if one.kind.startswith(RECURRENT)}
    small = {
        name: gain for name, gain in gains.items() if gain < SMALLEST_GAIN and not normed and name not in recurrent
    }
    worst = large or small
    if not worst and not normed:
        # torch's own initialisation loses signal too, but then it is the activations that are to be changed.
        own = {one.name for one in drawn if not one.fresh} - recurrent
        return _dies_out(evidence, {name: gain for name, gain in gains.items() if name in own})
    if not worst or (small and not large and not failed(evidence)):
        return None
    name = max(worst, key=lambda key: abs(math.log(worst[key])))
    grave = max(worst[name], 1 / worst[name]) > 10 and failed(evidence)
    if learned_well(evidence) and not worst[name] > 3 * LARGEST_GAIN:
        return None
    return finding(
        "setup/bad-initialization",
        "info" if learned_well(evidence) else "critical" if grave else "warning",
        name,
        f"the weights of {name} start with a spread of {worst[name]:.3g} / sqrt(fan_in), where He's initialisation has "
        "1.41 and Glorot's about 1",
        gain=worst[name],
        layers=list(worst),
    )


def _dies_out(evidence: Evidence, gains: dict[str, float]) -> Finding | None:
    """Say where no layer's spread is unusual, but all of them together leave nothing of the signal."""
    left = math.prod(min(gain, HE) / HE for gain in gains.values())
    if len(gains) < FEWEST_HIDDEN or left > NOTHING or not failed(evidence) or _arrives(evidence):
        return None
    name = min(gains, key=lambda key: gains[key])
    return finding(
        "setup/bad-initialization",
        "critical",
        name,
        f"the weights of {len(gains)} layers start with spreads of {min(gains.values()):.3g} to "
        f"{max(gains.values()):.3g} / sqrt(fan_in), which leave {left:.0e} of a signal that passes all of them, where "
        "He's initialisation (1.41) keeps its size",
        left=left,
        layers=list(gains),
    )


def _arrives(evidence: Evidence) -> bool:
    """Return whether samples still differ in the last activation or the output of the first step: by a way around."""
    if not evidence.samples:
        return False
    first = evidence.samples[0]
    last = [one.std_across_samples for one in evidence.activations if one.step == first.step][-1:]
    return max([*last, first.output_std or 0.0]) > ARRIVES


def parameters_not_trained(evidence: Evidence) -> Finding | None:
    """Say which parameters never get a gradient, or are held by no optimiser, though they are not frozen."""
    if evidence.idle_passes >= FEWEST_PASSES:
        return finding(
            "setup/parameters-not-trained",
            "critical",
            "optimizer",
            f"{evidence.idle_passes} backward passes gave {evidence.name} gradients, and no optimiser ever made a step "
            "with them: it holds the weights of another model, perhaps one that was made anew since",
            passes=evidence.idle_passes,
            parameters=evidence.num_parameters,
        )
    if len(evidence.samples) < 2 or not evidence.num_parameters:
        return None
    if _nothing_moves(evidence):
        return finding(
            "setup/parameters-not-trained",
            "critical",
            "loss",
            f"every gradient is exactly zero from the first step on, though the loss is {median(evidence.losses):.3g}: "
            "between network and loss something has no slope (a clamp beyond its ends, a rounding, a comparison)",
            loss=median(evidence.losses),
            parameters=evidence.num_parameters,
        )
    missing = {name for sample in evidence.samples for name in sample.grad_missing}
    for sample in evidence.samples:
        missing &= set(sample.grad_missing)
    stuck: dict[str, tuple[int, str]] = {}
    dead = dead_from_the_start(evidence)  # then it is the activation that lets no gradient pass
    for layer in evidence.layers:
        lost = [name for name in missing if name.rpartition(".")[0] == layer.name]
        if layer.trainable and layer.in_optimizer < layer.trainable:
            stuck[layer.name] = (layer.trainable - layer.in_optimizer, "held by no optimiser")
        elif lost and layer.trainable:
            stuck[layer.name] = (layer.trainable, "no gradient")
        elif layer.trainable and not dead and _never_moved(evidence, layer):
            stuck[layer.name] = (layer.trainable, "a gradient of exactly zero at every step")
        elif layer.fresh and not layer.trainable and not learned_well(evidence):
            stuck[layer.name] = (layer.num_parameters, "frozen at its random initialisation")
        elif _knows_few_tokens(layer) and not learned_well(evidence):
            lost_rows = round(layer.zero_rows * layer.num_parameters)
            says = f"frozen with {layer.zero_rows:.0%} of its rows at zero, so that their tokens can't be told apart"
            stuck[layer.name] = (lost_rows, says)
    if evidence.foreign_parameters:
        stuck["weights that are no parameters"] = (
            evidence.foreign_parameters,
            "in a plain list, or tensors without nn.Parameter: unknown to the model and held by no optimiser",
        )
    return _stuck(evidence, stuck)


def _nothing_moves(evidence: Evidence) -> bool:
    """Return whether nothing ever had a gradient, though there is something to learn from."""
    norms = [sum(sample.grad_norm.values()) for sample in evidence.samples if sample.grad_norm]
    return len(norms) >= FEWEST_PASSES and not any(norms) and median(evidence.losses) > 0


def _knows_few_tokens(layer: Layer) -> bool:
    """Return whether an embedding is frozen though many of its rows, more than padding has, say nothing."""
    lost = layer.zero_rows * layer.weight_shape[0] if layer.weight_shape else 0
    return layer.kind.startswith("Embedding") and not layer.trainable and lost >= 2 and layer.zero_rows > MANY_ROWS


def _never_moved(evidence: Evidence, layer: Layer) -> bool:
    """Return whether a layer's gradient was exactly zero from the first step on, where others learned.

    A unit that dies had a gradient once; what is multiplied by zero on the way to the loss never had one. Gates that
    inputs saturate have none either: that is the inputs' fault.
    """
    if layer.kind.startswith(RECURRENT):
        return False
    norms = [sample.grad_norm.get(layer.name) for sample in evidence.samples if sample.grad_norm]
    others = [value for value in evidence.samples[0].grad_norm.values() if value > 0]
    return len(norms) >= FEWEST_PASSES and bool(others) and all(value == 0 for value in norms)


def _stuck(evidence: Evidence, stuck: dict[str, tuple[int, str]]) -> Finding | None:
    total = evidence.num_parameters + evidence.foreign_parameters
    count = sum(number for number, _ in stuck.values())
    if not count:
        return None
    share = count / total
    grave = share > 0.1 and not learned_well(evidence)
    name, (_, reason) = max(stuck.items(), key=lambda item: item[1][0])
    return finding(
        "setup/parameters-not-trained",
        "critical" if grave else "warning",
        name,
        f"{count:,} of {total:,} parameters never train ({name}: {reason})",
        parameters=count,
        share=share,
        layers={key: why for key, (_, why) in stuck.items()},
    )


def samples_mix_in_batch(evidence: Evidence) -> Finding | None:
    """Say where one sample's output depends on another's input."""
    change, layer = evidence.experiments.samples_mix, evidence.experiments.attends_over_batch
    if evidence.data.repeated_batches > 1:
        return None  # all samples at every step: nodes of a graph, say, which tell each other what they know
    if layer:
        return finding(
            "setup/samples-mix-in-batch",
            "critical",
            layer,
            f"{layer} takes (time, batch, features) and is given (batch, time, features): it works along the samples "
            "of the batch, not along each sample's own sequence. Make it with batch_first=True, or transpose its input",
            layer=layer,
        )
    if change is None or not change > DEPENDS:
        return None
    return finding(
        "setup/samples-mix-in-batch",
        "critical",
        "forward",
        f"exchanging one sample of the batch changes the outputs of others by {change:.2g} of their spread: a "
        "reshape, a "
        "transpose or a `dim` mixes samples",
        change=change,
    )


def future_leak(evidence: Evidence) -> Finding | None:
    """Say where a model that predicts the next token sees tokens to come."""
    change = evidence.experiments.future_leak
    if evidence.experiments.given_answers:
        return finding(
            "setup/future-leak",
            "critical",
            "inputs",
            "one of the inputs holds the very classes that are to be predicted, place by place: a decoder is given the "
            "targets one step late, behind a start token",
        )
    if change is None or not change > DEPENDS:
        return None
    return finding(
        "setup/future-leak",
        "critical",
        "forward",
        f"the targets are the inputs one step on, and changing later tokens changes earlier outputs by {change:.2g} of "
        "their spread: the model copies what it should predict",
        change=change,
    )


def missing_nonlinearity(evidence: Evidence) -> Finding | None:
    """Say where linear layers follow each other with nothing between, but for low-rank bottlenecks."""
    sizes = {one.name: one for one in evidence.layers}
    pairs = []
    for before, after in evidence.experiments.linear_pairs:
        first, second = sizes.get(before), sizes.get(after)
        if first is None or second is None or not has_matrix(first) or not has_matrix(second):
            continue
        middle = second.weight_shape[1]
        if middle >= min(first.weight_shape[1], second.weight_shape[0]) and not _grouped(first, second):
            pairs.append((before, after))
    # A network that is linear throughout never needs its layers; a single pair may be meant, if the training is fine.
    every = len(pairs) >= sum(has_matrix(one) for one in evidence.layers) - 1
    if not pairs:
        return _affine(evidence)
    if learned_well(evidence) and not every:
        return None
    return finding(
        "setup/missing-nonlinearity",
        "critical" if every and room(evidence) > 0.6 else "warning",
        f"{pairs[0][0]} → {pairs[0][1]}",
        f"{len(pairs)} pair(s) of linear layers follow each other without an activation, so each acts as one "
        "linear layer",
        pairs=[list(pair) for pair in pairs[:5]],
    )


def _affine(evidence: Evidence) -> Finding | None:
    """Say where all layers together are one linear function of the input, whatever lies between them."""
    matrices = [one.name for one in evidence.layers if has_matrix(one)]
    if not evidence.experiments.affine or len(matrices) < 3 or not failed(evidence):
        return None
    return finding(
        "setup/missing-nonlinearity",
        "critical",
        f"{matrices[0]} → {matrices[-1]}",
        f"the output for the mean of two inputs is the mean of their outputs: {len(matrices)} layers without an "
        "activation act as one linear layer",
        layers=matrices[:5],
    )


def _grouped(first: Layer, second: Layer) -> bool:
    return first.weight_shape[0] != second.weight_shape[1] or first.weight_shape[1] == 1


def input_ignored(evidence: Evidence) -> Finding | None:
    """Say where the trained network's loss is the same whatever input it is given."""
    tried, change = evidence.experiments, change_by_exchange(evidence.experiments)
    if change is None or change > SAME_LOSS or len(evidence.losses) < 30 or not failed(evidence):
        return None
    return finding(
        "setup/input-ignored",
        "warning",
        "forward",
        f"handing inputs to other samples' targets leaves the loss at {tried.real_loss:.4g}: the prediction does "
        "not depend "
        "on the input",
        real_loss=tried.real_loss,
        largest_change=change * abs(tried.real_loss or 0.0),
    )


RULES = (
    bad_initialization,
    parameters_not_trained,
    samples_mix_in_batch,
    future_leak,
    missing_nonlinearity,
    input_ignored,
)
