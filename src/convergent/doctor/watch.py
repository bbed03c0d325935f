"""Attaches probes to models and optimisers, and the spotter to the steps that are to be seen closely.

Everything is taken off again by `close`; an error of ours becomes one warning and the doctor steps aside.
"""

from __future__ import annotations

import functools
import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import _get_current_function_mode_stack
from torch.utils import _pytree as pytree

from convergent.doctor.averages import stale_norm
from convergent.doctor.loose import Loose
from convergent.doctor.probe import Probe
from convergent.doctor.record import LossKind
from convergent.doctor.spotter import Spotter, Trace
from convergent.doctor.steps import parameters_of


class Hook:
    """A hook on a module that a copy of the module shares, and that a saved module does not hold."""

    def __init__(self, call: Callable[..., None]) -> None:
        self.call = call

    def __call__(self, *arguments: Any) -> None:
        """Pass the call on."""
        self.call(*arguments)

    def __deepcopy__(self, memo: Any) -> Hook:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # Stands for "do nothing" in a model that is pickled whole and loaded where there is no Convergent.
        return functools.partial, (logging.debug, "")


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """Run a method without gradients and unseen by the spotter; an error closes the watch instead of being raised."""

    @functools.wraps(method)
    def call(self: Watch, *args: Any, **kwargs: Any) -> Any:
        if self.closed or torch.compiler.is_compiling():
            return None
        before = self.grad_enabled = torch.is_grad_enabled()
        seen, self.spotter.enabled = self.spotter.enabled, False
        # The context managers would cost a small step more than all that is looked at in it.
        torch._C._set_grad_enabled(False)
        try:
            if torch.is_inference_mode_enabled():
                # What is made in inference mode, as evaluations run, can't be written to by a training step.
                with torch.inference_mode(False), torch.no_grad():
                    return method(self, *args, **kwargs)
            return method(self, *args, **kwargs)
        except Exception as error:
            self.fail(error)
            return None
        finally:
            torch._C._set_grad_enabled(before)
            self.spotter.enabled = seen

    return call


class Watch:
    """The probes of one program and what connects them to it."""

    def __init__(self, *, sees_backward: bool = True, evaluations: bool = True) -> None:
        self.spotter = Spotter(self)
        self.probes: list[Probe] = []
        self.loose = Loose()
        self.closed = False
        self.failure: Exception | None = None
        self._sees_backward = sees_backward
        self._evaluations = evaluations
        self._on = self._was_on = False
        self._handles: list[Any] = []
        self._by_model: dict[int, Probe] = {}
        self._of_optimizer: dict[int, list[Probe]] = {}
        self._optimizers: list[torch.optim.Optimizer] = []
        self._forwards: list[Probe] = []
        self._current: Probe | None = None
        self._evaluating: Probe | None = None
        self._inside = 0
        self._passes = 0
        self.grad_enabled = True

    # attaching

    def add_model(self, model: nn.Module) -> Probe:
        """Watch a model; its hooks sit on the outermost module only."""
        probe = Probe(model, len(self.probes))
        self.probes.append(probe)
        self._by_model[id(model)] = probe
        self._of_optimizer.clear()
        before, after = Hook(self.before_forward), Hook(self.after_forward)
        self._handles.append(model.register_forward_pre_hook(before, with_kwargs=True))
        self._handles.append(model.register_forward_hook(after, with_kwargs=True))
        return probe

    def add_optimizer(self, optimizer: torch.optim.Optimizer) -> None:
        """Watch the steps of an optimiser."""
        self._handles.append(optimizer.register_step_pre_hook(lambda o, *_: self.before_step(o)))
        self._handles.append(optimizer.register_step_post_hook(lambda o, *_: self.after_step(o)))

    def add_handle(self, handle: Any) -> None:
        """Have something removed when the watch closes."""
        self._handles.append(handle)

    def close(self) -> None:
        """Take everything off."""
        self._switch(False)
        self.closed = True
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def pause(self) -> None:
        """See nothing until the next forward pass of a watched model: what runs between is not its training."""
        self._switch(False)

    def fail(self, error: Exception) -> None:
        """Step aside after an error of ours, with one warning; the program goes on."""
        self.failure = error
        self.close()
        warnings.warn(f"the doctor stepped aside: {type(error).__name__}: {error}", RuntimeWarning, stacklevel=3)

    def _switch(self, on: bool) -> None:
        """Put the spotter on the stack of function modes, or take it off, without disturbing modes of the program."""
        stack = _get_current_function_mode_stack()
        if on and not self._on and not stack:
            self.spotter.__enter__()
            self._on = True
        elif not on and self._on and stack and stack[-1] is self.spotter:
            self.spotter.__exit__(None, None, None)
            self._on = False
        self.spotter.listening = on

    # what happens in the program

    @_guarded
    def before_forward(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A watched model is about to run."""
        probe = self._by_model.get(id(module))
        self._inside += 1
        if probe is None or self._inside > 1:
            return
        probe.close_step()
        if not (self.grad_enabled or self._evaluations):
            return
        self._current = probe
        # A spotter inside a compiled call would be compiled with it.
        may_look = not isinstance(module, torch._dynamo.OptimizedModule)
        if not self.grad_enabled:
            self._switch(may_look)
            self._evaluating = probe
            probe.note_mode()
            return
        probe.remember_start()
        closely = probe.wants_mode and may_look
        self._switch(closely)
        if not self._forwards:
            self.spotter.forget()
        probe.before_training_forward(args, kwargs, closely)
        if probe not in self._forwards:
            self._forwards.append(probe)
        self._evaluating = None

    @_guarded
    def after_forward(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """A watched model has run."""
        probe = self._by_model.get(id(module))
        self._inside = max(0, self._inside - 1)
        if probe is None or self._inside:
            return
        if not self._on and self._evaluating is not probe:
            return  # a step of training that is not looked at
        tensors = [leaf for leaf in pytree.tree_leaves(output) if isinstance(leaf, Tensor)]
        for tensor in tensors:
            self.spotter.note_output(tensor, module)
        if self._evaluating is probe:
            probe.after_evaluation_forward(args, kwargs)
            return
        trace = self.spotter.trace(tensors[0]) if tensors else Trace()
        probe.after_training_forward(output, probe.wants_mode, trace.layer, trace.transform)

    @_guarded
    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        """An optimiser is about to use gradients."""
        self._was_on = self._on
        self._switch(False)  # the optimiser's own calls say nothing, and there are many
        for probe in self._probes_of(optimizer):
            probe.before_step(optimizer)

    @_guarded
    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """An optimiser has updated weights."""
        self._inside = 0
        for probe in self._probes_of(optimizer):
            probe.after_step(self._passes)
            if probe in self._forwards:
                self._forwards.remove(probe)
        if self._forwards and self._was_on:
            self._switch(True)  # another model's loss is still to come
        self.spotter.forget()

    def _probes_of(self, optimizer: torch.optim.Optimizer) -> list[Probe]:
        known = self._of_optimizer.get(id(optimizer))
        if known is None:
            held = {id(parameter) for parameter in parameters_of(optimizer)}
            known = [p for p in self.probes if any(id(weight) in held for weight in p.model.parameters())]
            self._of_optimizer[id(optimizer)] = known
            self._optimizers.append(optimizer)  # keeps the id from being used again
        return known

    @_guarded
    def note_backward(self, loss: Tensor) -> None:
        """A backward pass is about to begin from `loss`."""
        self._inside = 0
        self._passes += 1
        for probe in self._forwards:
            probe.before_backward(loss)
        if not self.probes:
            self.loose.before_backward(loss)

    @_guarded
    def after_backward(self) -> None:
        """A backward pass has ended."""
        if not self.probes:
            self.loose.after_backward()

    @_guarded
    def note_loss(self, loss: Tensor | float) -> None:
        """The loss of the step that was just made."""
        for probe in self.probes:
            probe.note_loss(loss)

    @_guarded
    def note_evaluated(self, module: nn.Module) -> None:
        """A module is set to evaluation mode; it may be an average of a model that trains."""
        if id(module) in self._by_model or not any(isinstance(one, _BatchNorm) for one in module.modules()):
            return
        for probe in self.probes:
            if probe.step and not probe.evidence.stale_average:
                probe.evidence.stale_average = stale_norm(module, probe.model, probe.initial_state)

    # what the spotter sees; it is called with function modes off already

    @_guarded
    def on_layer(self, weights: Sequence[Tensor]) -> str:
        """Return the layer that holds one of these weights."""
        if self._inside and self._current is not None:
            return self._current.on_layer(weights)
        return next((name for probe in self.probes if (name := probe.layer_of(weights))), "")

    @_guarded
    def on_follow(self, layer: str, function: str) -> None:
        """Note what a layer's output went into."""
        if self._current is not None and self._evaluating is None:
            self._current.on_follow(layer, function)

    @_guarded
    def on_linear_pair(self, before: str, after: str) -> None:
        """Note two linear layers with nothing between."""
        if self._current is not None and self._inside and self._evaluating is None:
            self._current.linear_pairs[before, after] = None

    @_guarded
    def on_product(self, layer: str) -> None:
        """Note a layer whose weight inputs are multiplied by."""
        if self._current is not None and self._evaluating is None:
            self._current.products.add(layer)

    @_guarded
    def on_branch(self, layer: str) -> None:
        """Note a linear layer whose output goes to more than the next layer."""
        if self._current is not None and self._inside and self._evaluating is None:
            self._current.branches.add(layer)

    @_guarded
    def on_activation(self, kind: str, layer: str, inputs: Tensor, output: Tensor) -> None:
        """Note an activation within a model that trains."""
        if self._current is not None and self._inside and self._evaluating is None:
            self._current.on_activation(kind, layer, output)

    @_guarded
    def on_loss(self, kind: LossKind, name: str, pair: tuple[Tensor, Tensor], options: dict[str, Any]) -> None:
        """Note a loss: of an evaluation, or one that may be trained on."""
        # A model that ran without gradients since the forward pass, a teacher say, makes no evaluation of this loss.
        if self._evaluating is not None and not (pair[0].requires_grad and self._forwards):
            # Sampled actions are picked from log-probabilities too; a loss by hand is told from them by its value.
            if not pair[0].requires_grad and not options.get("picked"):
                self._evaluating.on_evaluation(kind, pair[0], pair[1])
            return
        for probe in self._forwards:
            # Where the way is lost: the last that ran gave the loss its input, what others gave went through it.
            owner = options.get("owner")
            own = owner == id(probe.model) if owner else probe is self._current
            mine = {"own_output": own or len(self._forwards) == 1}
            probe.on_training_loss(kind, name, pair[0], pair[1], options | mine)

    @_guarded
    def on_decision(self, predicted: Tensor, target: Tensor | None) -> None:
        """Note predicted classes that an evaluation compared with a target, or with one class."""
        if self._evaluating is None:
            return
        if target is None:
            self._evaluating.log.note_scored()
        elif predicted.shape == target.shape:
            self._evaluating.on_evaluation("other", predicted, target, by_decision=True)

    @_guarded
    def on_crossed(self, shapes: str) -> None:
        """Note that an evaluation compared each output with every target."""
        if self._evaluating is not None:
            self._evaluating.log.crossed = shapes

    @_guarded
    def on_dropout(self) -> None:
        """Note that a model drops units while it is evaluated, though it is in evaluation mode as a whole."""
        probe = self._evaluating
        if probe is not None and self._inside and not probe.model.training and not probe.log.training_mode:
            probe.log.dropped = True

    @_guarded
    def on_truncation(self, transform: str) -> None:
        """Note that an evaluation cuts probabilities to whole numbers."""
        if self._evaluating is not None:
            self._evaluating.log.truncated = transform

    def on_backward(self, loss: Tensor) -> None:
        """Pass on a backward pass, where nobody else reports them."""
        if self._sees_backward:
            self.note_backward(loss)

    def on_call(self, function: Callable[..., Any], args: Any, kwargs: Any, result: Any) -> None:
        """Let the tapes run between a forward and a backward pass."""
        if not self._inside and any(probe.tapes for probe in self._forwards):
            self._note_call(function, args, kwargs, result)

    @_guarded
    def _note_call(self, function: Callable[..., Any], args: Any, kwargs: Any, result: Any) -> None:
        for probe in self._forwards:
            probe.note_call(function, args, kwargs, result)
