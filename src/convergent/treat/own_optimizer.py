"""A user's own optimiser as a value: its class and options by the names of its parameters, so that copies can be made.

What a treatment may change of it are its options; its class is the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from convergent.config import Config
from convergent.types import UserError

MakeOptimizer = Callable[[nn.Module], torch.optim.Optimizer]


@dataclass(frozen=True)
class Group:
    """One parameter group: names of parameters, and the options that differ from nothing."""

    names: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class OwnOptimizer:
    """Makes the optimiser anew for a copy of the model, without its state."""

    kind: type[torch.optim.Optimizer]
    groups: tuple[Group, ...]

    def __call__(self, model: nn.Module, config: Config, fused: bool) -> list[torch.optim.Optimizer]:
        """Return the optimiser of `model`; each group keeps its learning rate as `initial_lr`."""
        parameters = dict(model.named_parameters())
        groups = [
            {**one.options, "params": [parameters[name] for name in one.names if name in parameters]}
            for one in self.groups
        ]
        made = self.kind([group for group in groups if group["params"]], lr=self.learning_rate)  # type: ignore[call-arg]
        for group in made.param_groups:
            group["initial_lr"], group["own"] = group["lr"], True
        return [made]

    @property
    def learning_rate(self) -> float:
        """The largest learning rate of the groups."""
        return max(float(one.options["lr"]) for one in self.groups)

    def changed(self, **options: Any) -> OwnOptimizer:
        """Return it with options set in every group that has them."""
        groups = tuple(
            Group(one.names, {**one.options, **{k: v for k, v in options.items() if k in one.options}})
            for one in self.groups
        )
        return replace(self, groups=groups)

    def scaled(self, factor: float) -> OwnOptimizer:
        """Return it with every learning rate multiplied."""
        groups = tuple(Group(one.names, {**one.options, "lr": one.options["lr"] * factor}) for one in self.groups)
        return replace(self, groups=groups)

    def renamed(self, names: Mapping[str, str], new: Sequence[str]) -> OwnOptimizer:
        """Return it for a changed model: old names to new ones, and new parameters in the first group."""
        groups = [Group(tuple(names[n] for n in one.names if n in names), one.options) for one in self.groups]
        groups[0] = Group((*groups[0].names, *new), groups[0].options)
        return replace(self, groups=tuple(groups))

    def missing(self, model: nn.Module) -> list[str]:
        """Return the trainable parameters that no group holds."""
        held = {name for one in self.groups for name in one.names}
        return [name for name, p in model.named_parameters() if p.requires_grad and name not in held]


def own_optimizer(optimizer: torch.optim.Optimizer | MakeOptimizer, model: nn.Module) -> OwnOptimizer:
    """Return a user's optimiser (or the function model -> optimiser) as a value.

    Raises UserError for what is no optimiser, and for LBFGS, whose steps call the loss again and again.

    >>> net = nn.Linear(2, 1)
    >>> own = own_optimizer(torch.optim.SGD(net.parameters(), lr=0.1), net)
    >>> own.groups[0].names, own.scaled(0.1).learning_rate
    (('weight', 'bias'), 0.010000000000000002)
    """
    made = optimizer if isinstance(optimizer, torch.optim.Optimizer) else optimizer(model)
    if not isinstance(made, torch.optim.Optimizer):
        raise UserError(f"optimizer: give a torch optimiser or a function (model) -> optimiser, not {type(made)}.")
    if isinstance(made, torch.optim.LBFGS):
        raise UserError("optimizer: LBFGS evaluates the loss several times a step. Give another, AdamW say.")
    known = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = []
    for group in made.param_groups:
        options = {key: value for key, value in group.items() if key in made.defaults}
        options["lr"] = float(group.get("initial_lr", group["lr"]))
        groups.append(Group(tuple(known[id(p)] for p in group["params"] if id(p) in known), options))
    if not any(one.names for one in groups):
        raise UserError("optimizer: holds no parameter of the model. Make it from this model's parameters().")
    return OwnOptimizer(type(made), tuple(groups))
