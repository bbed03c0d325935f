"""Changes of a module that keep what it has learned where they can: each takes a copy and returns it changed, or None.

What a module is made of is seen by running it once: which layers ran, in which order, and which activations.

Layer norm: Ba et al. 2016, https://arxiv.org/abs/1607.06450. Batch norm: Ioffe and Szegedy 2015,
https://arxiv.org/abs/1502.03167.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from convergent.models.activations import initialise
from convergent.treat.rewritten import BOUNDED, ENDS, Calls, Rewritten

MODULES: dict[type[nn.Module], str] = {
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.Hardtanh: "hardtanh",
    nn.Hardsigmoid: "hardsigmoid",
    nn.Softsign: "softsign",
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.Softmax: "softmax",
    nn.LogSoftmax: "log_softmax",
}
NEW: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "identity": nn.Identity,
}
LINEAR = (nn.Linear, nn.modules.conv._ConvNd)
CLOSED = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer, nn.MultiheadAttention)
"""Reach into their layers' weights themselves, and have norms of their own."""
NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


class Anatomy(NamedTuple):
    """What was seen when a module ran once."""

    layers: list[str]
    """Linear layers and convolutions, in the order in which they ran."""
    shapes: dict[str, tuple[int, ...]]
    """Of their outputs."""
    calls: list[str]
    """Activation functions, in the order of their calls."""
    ends_in: str
    """The activation whose result is the output; empty if none is."""
    after: dict[str, str]
    """The module that ran next after each layer, by its class."""


def anatomy(model: nn.Module, inputs: tuple[Tensor, ...]) -> Anatomy:
    """Return how `model` is built, seen in one evaluation of a few samples; it is left as it was."""
    order: list[tuple[str, nn.Module, tuple[int, ...]]] = []
    leaves = [(name, m) for name, m in model.named_modules() if not list(m.children())]

    def note(name: str) -> Callable[..., None]:
        return lambda module, _, output: order.append((name, module, tuple(getattr(output, "shape", ()))))

    handles = [module.register_forward_hook(note(name)) for name, module in leaves]
    modes = {module: module.training for module in model.modules()}
    calls = Calls()
    try:
        model.eval()
        with torch.no_grad(), calls:
            output = model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.training = mode
    layers = [name for name, module, _ in order if isinstance(module, LINEAR)]
    after = {
        name: type(order[place + 1][1]).__name__ if place + 1 < len(order) else ""
        for place, (name, module, _) in enumerate(order)
        if isinstance(module, LINEAR)
    }
    shapes = {name: shape for name, module, shape in order if isinstance(module, LINEAR)}
    same = bool(calls.last) and isinstance(output, Tensor) and _same_content(calls.last[0], output)
    return Anatomy(layers, shapes, calls.names, calls.names[-1] if same else "", after)


def _same_content(a: Tensor, b: Tensor) -> bool:
    return a.numel() == b.numel() and bool((a.reshape(-1) == b.reshape(-1)).all())


def exchange_activations(model: nn.Module, seen: Anatomy, old: frozenset[str], new: str) -> nn.Module | None:
    """Return the model with its hidden activations of the kinds `old` replaced; None where it has none.

    What ends the network stays: it is the output's business. Modules are exchanged; calls in somebody's forward are
    answered by another function.
    """
    hidden = seen.calls[:-1] if seen.ends_in else seen.calls
    wanted = [number for number, name in enumerate(hidden) if name in old]
    if not wanted:
        return None
    modules = [m for m in model.modules() if MODULES.get(type(m)) in old]
    shared = len({id(m) for m in modules}) < len(wanted) or (bool(seen.ends_in) and seen.ends_in in old)
    if not shared and len(modules) == len(wanted):
        _replace(model, modules, NEW[new])
        return model
    return Rewritten(model, dict.fromkeys(wanted, new))


def strip_output(model: nn.Module, seen: Anatomy) -> nn.Module | None:
    """Return the model without the activation that ends it; None where there is none."""
    if not seen.ends_in:
        return None
    last = list(model.modules())[-1]
    if MODULES.get(type(last)) == seen.ends_in and sum(type(m) is type(last) for m in model.modules()) == 1:
        _replace(model, [last], nn.Identity)
        return model
    return Rewritten(model, {len(seen.calls) - 1: "identity"})


def _replace(model: nn.Module, old: list[nn.Module], new: Callable[[], nn.Module]) -> None:
    wanted = {id(module) for module in old}
    for parent in model.modules():
        for name, child in parent.named_children():
            if id(child) in wanted:
                setattr(parent, name, new())


def put(model: nn.Module, name: str, module: nn.Module) -> None:
    """Set the submodule called `name` (with dots) to another."""
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, module)


def hidden_layers(seen: Anatomy) -> list[str]:
    """Return the layers that are not the last, each once."""
    return list(dict.fromkeys(seen.layers[:-1]))


def insert_norms(model: nn.Module, seen: Anatomy) -> nn.Module | None:
    """Return the model with a norm after each hidden layer that has none: batch norm for filters, else layer norm."""
    closed = _inside(model, CLOSED)
    places = [name for name in hidden_layers(seen) if "Norm" not in seen.after.get(name, "") and name not in closed]
    for name in places:
        layer, shape = model.get_submodule(name), seen.shapes[name]
        norm: nn.Module
        if isinstance(layer, nn.modules.conv._ConvNd):
            norm = {3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[len(shape)](shape[1])
        else:
            norm = nn.LayerNorm(shape[-1])
        put(model, name, nn.Sequential(layer, norm))
    return model if places else None


def _inside(model: nn.Module, kinds: tuple[type[nn.Module], ...]) -> set[str]:
    """Return the names of modules within modules of some kinds."""
    return {
        f"{name}.{inner}" if name else inner
        for name, module in model.named_modules()
        if isinstance(module, kinds)
        for inner, _ in module.named_modules()
        if inner
    }


def insert_activations(model: nn.Module, pairs: list[str], new: str = "relu") -> nn.Module | None:
    """Return the model with an activation after each named linear layer; None where there are none."""
    known = dict(model.named_modules())
    closed = _inside(model, CLOSED)
    places = [name for name in dict.fromkeys(pairs) if isinstance(known.get(name), LINEAR) and name not in closed]
    for name in places:
        put(model, name, nn.Sequential(model.get_submodule(name), NEW[new]()))
    return model if places else None


def start_anew(model: nn.Module, seen: Anatomy, seed: int) -> nn.Module:
    """Return the model with new weights that fit its hidden activation: He or Glorot; recurrent ones orthogonal.

    Frozen weights stay. Norms and embeddings begin as torch begins them.
    """
    hidden = seen.calls[:-1] if seen.ends_in else seen.calls
    kinds = [name for name in hidden if name not in ENDS]
    common = max(set(kinds), key=kinds.count) if kinds else "relu"
    frozen = {name: p.detach().clone() for name, p in model.named_parameters() if not p.requires_grad}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for module in model.modules():
            if isinstance(module, (nn.RNNBase, nn.Embedding, *NORMS)) and hasattr(module, "reset_parameters"):
                module.reset_parameters()
        initialise(model, common if common in BOUNDED else "relu")
    with torch.no_grad():
        for name, value in frozen.items():
            model.get_parameter(name).copy_(value)
    return model


def calm_last_layer(model: nn.Module, seen: Anatomy, bias: Tensor | None) -> nn.Module | None:
    """Return the model with its last layer at a tenth of its weights and its bias at `bias`; None where it has none."""
    last = model.get_submodule(seen.layers[-1]) if seen.layers else None
    if not isinstance(last, nn.Linear):
        return None
    with torch.no_grad():
        if last.bias is not None:
            last.bias.zero_()
            if bias is not None and bias.shape == last.bias.shape:
                last.bias.copy_(bias)
    return model


def set_dropout(model: nn.Module, share: float, seen: Anatomy) -> nn.Module | None:
    """Return the model with every dropout at `share`, or with new ones before the last layer where it has none."""
    dropouts = [m for m in model.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
    if dropouts:
        if all(m.p == share for m in dropouts):
            return None
        for m in dropouts:
            m.p = share
        return model
    if len(seen.layers) < 2 or share == 0:
        return None
    last = seen.layers[-1]
    put(model, last, nn.Sequential(nn.Dropout(share), model.get_submodule(last)))
    return model


def unfreeze(model: nn.Module, layers: list[str]) -> nn.Module | None:
    """Return the model with the parameters of these layers trainable; None where none of them is frozen."""
    frozen = [p for n, p in model.named_parameters() if not p.requires_grad and n.rpartition(".")[0] in layers]
    for p in frozen:
        p.requires_grad_(True)
    return model if frozen else None


def register_lists(model: nn.Module) -> nn.Module | None:
    """Return the model with modules of plain lists and dictionaries made known to it; None where there are none."""
    found = 0
    for module in list(model.modules()):
        for name, value in list(vars(module).items()):
            registered = _registered(value) if name != "_modules" else None
            if registered is not None:
                found += 1
                delattr(module, name)
                setattr(module, name, registered)
    return model if found else None


def _registered(value: Any) -> nn.Module | None:
    if isinstance(value, list | tuple) and value and all(isinstance(one, nn.Module) for one in value):
        return nn.ModuleList(value)
    if isinstance(value, dict) and value and all(isinstance(one, nn.Module) for one in value.values()):
        return nn.ModuleDict({str(key): one for key, one in value.items()})
    return None
