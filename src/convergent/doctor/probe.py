"""Watches one model in training: collects samples, norms, activations, losses and evaluations into an `Evidence`.

It never changes a number of the training: it reads gradients and weights on sampled steps, keeps scalars on the device,
and draws nothing from any random generator.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from convergent.doctor.activations import ActivationLog
from convergent.doctor.collect import Collector
from convergent.doctor.evaluations import (
    EvaluationLog,
    comes_again,
    evaluations_of,
    overlap,
    unseen_at_first_alone,
    valid_samples,
)
from convergent.doctor.layers import describe_layers, note_neighbours, note_switches, put_in_order, unregistered
from convergent.doctor.loss_log import LossLog, Pair, note_crossed
from convergent.doctor.measure import Pending, std_across
from convergent.doctor.readings import READ_EVERY, Readings
from convergent.doctor.record import Evidence, LossKind
from convergent.doctor.replicas import Replicas
from convergent.doctor.ring import Call, Ring
from convergent.doctor.steps import (
    describe_optimizers,
    first_tensor,
    is_sampled,
    keeps_batch,
    note_penalties,
    parameters_of,
)
from convergent.doctor.tape import Tape
from convergent.doctor.updates import UpdateLog

MOST_DENSE_STEPS = 256
SMALL_MODEL_BYTES = 4 * 2**20
MOST_FOREIGN = 1000
MANY_SCALARS = 4096
FAMILIES = {"nll": "cross_entropy", "bce": "bce_with_logits"}
"""Losses that are one and the same, given what they expect."""
EVALUATION_MODULES = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


class Probe:
    """What is known of one model; the watch calls it on every forward pass, backward pass and step."""

    def __init__(self, model: nn.Module, number: int = 0) -> None:
        self.model = model
        self.step = 0
        self.evidence = Evidence(name=type(model).__name__)
        self._was_lazy = False
        self.optimizers: list[torch.optim.Optimizer] = []
        self.first_step_at = self.last_step_at = 0.0
        self.stepped_after = 0
        """Tells after which backward passes steps were made: equal for the parts of one network."""
        self.is_part = False
        """Its inputs come from another network that learns: they are no data."""
        self.initial_state: dict[str, Tensor] | None = None
        self.collector = Collector()
        self.ring = Ring()
        self._replicas = Replicas(number)
        self.tape: Tape | None = None
        self.loss_log = LossLog()
        self.linear_pairs: dict[tuple[str, str], None] = {}
        self.branches: set[str] = set()
        self.products: set[str] = set()
        self._foreign: dict[int, Tensor] = {}
        self._names = {id(p): name for name, p in model.named_parameters()}
        self._ran: dict[str, None] = {}
        self._activation_after: dict[str, str] = {}
        self._followed_by: dict[str, str] = {}
        self._last_layer = ""
        self._readings = Readings()
        self._pending = Pending(max(2 * MANY_SCALARS, 4 * READ_EVERY * len(self._names)))
        self.watch_updates()
        self._activations = ActivationLog()
        self._switches = [m for m in model.modules() if isinstance(m, EVALUATION_MODULES)]
        self.log = EvaluationLog()
        self._fresh()

    def _fresh(self) -> None:
        self._call: Call | None = None
        self._input: Tensor | None = None
        self._pairs: list[Pair] = []
        self._updates.next_step()
        self._activations.next_step()
        self._learned: tuple[Tensor, Tensor | None] | None = None
        self._tape_now: Tape | None = None
        self._tape_done: Tape | None = None
        self._stepped = False
        self.forwarded = False
        self.backwards = 0
        self.loss: Tensor | float | None = None

    def watch_updates(self) -> None:
        """Note steps into the evidence as it stands: at the start, and where another was brought back."""
        self._updates = UpdateLog(self.model, self._pending, self.evidence.samples)

    @property
    def wants_mode(self) -> bool:
        """Whether the coming step is to be seen through the spotter."""
        return is_sampled(self.step) or (self.collector.has_room and self.step < MOST_DENSE_STEPS)

    @property
    def tapes(self) -> bool:
        """Whether the calls of this step are noted."""
        return self._tape_now is not None

    # forward

    def remember_start(self) -> None:
        """Note the model as it is before its first step."""
        if self.evidence.layers or (self.step and not self._was_lazy):
            return
        if any(nn.parameter.is_lazy(p) for p in self.model.parameters()):
            self._was_lazy = True
            return
        self.evidence.num_parameters = sum(p.numel() for p in self.model.parameters())
        self.evidence.layers = describe_layers(self.model, [])
        state = self.model.state_dict()
        tensors = [value for value in state.values() if isinstance(value, Tensor)]
        small = sum(t.numel() * t.element_size() for t in tensors) <= SMALL_MODEL_BYTES
        if small and not self.step:
            self.initial_state = {k: v.detach().clone() for k, v in state.items() if isinstance(v, Tensor)}
        weights = list(self.model.parameters())
        frozen = sum(p.numel() for p in weights if not p.requires_grad)
        self.evidence.pretrained = frozen > 0

    def before_training_forward(self, args: tuple[Any, ...], kwargs: dict[str, Any], closely: bool) -> None:
        """A forward pass with gradients is about to begin; whether it is trained on, the backward pass will tell."""
        if self._pairs and not self.backwards:
            self._was_evaluation()
        self._collect()
        self.forwarded = True
        self._pairs = []
        if not (closely or self.collector.looks):
            return
        self.note_mode()
        self._input = first_tensor(args, kwargs)
        self.is_part |= self._input is not None and self._input.requires_grad and not self._input.is_leaf
        if self._input is not None and not self.is_part:
            self.collector.reserve(self._input)
        if self._input is not None:
            self._activations.prepare(self._input.device)
            self._pending.prepare(self._input.device)
        if closely and keeps_batch(self.step):
            self._call = self.ring.copy(args, kwargs)

    def _was_evaluation(self) -> None:
        """The last forward pass kept gradients, but nothing was learned from it: an evaluation without `no_grad`."""
        if self._input is not None:
            self.log.inputs.append(self._input)
        for kind, _, output, target, _ in self._pairs:
            self.on_evaluation(kind, output.detach(), target)

    def after_training_forward(self, output: Any, closely: bool, last_layer: str, transform: str) -> None:
        """A forward pass that is trained on has ended."""
        if not closely:
            return
        self._last_layer = last_layer or self._last_layer
        if keeps_batch(self.step):
            self._tape_now = Tape(self._names)
            self._tape_now.begin(output)
        leaf = next((x for x in pytree.tree_leaves(output) if isinstance(x, Tensor) and x.is_floating_point()), None)
        if leaf is not None:
            if not self.loss_log.output_transform and self.evidence.data.loss is None:
                self.loss_log.output_transform = transform
            if is_sampled(self.step) and leaf.ndim and len(leaf) > 1:
                sample = self._updates.sample(self.step)
                self._pending.add(std_across(leaf.detach().float()), lambda value: setattr(sample, "output_std", value))

    # what the spotter sees

    def on_layer(self, weights: Sequence[Tensor]) -> str:
        """Return the layer that holds one of these weights; a weight of none is noted: the optimiser may lack it."""
        name = self.layer_of(weights)
        if not name and len(self._foreign) < MOST_FOREIGN:
            self._foreign |= {id(w): w for w in weights if w.requires_grad and w.is_leaf}
        return name

    def layer_of(self, weights: Sequence[Tensor]) -> str:
        """Return the layer of the model that holds one of these weights, noting that it ran; empty if there is none."""
        name = next((found for weight in weights if (found := self._updates.layer_of(weight))), "")
        if name:
            self._ran.setdefault(name)
        return name

    def on_follow(self, layer: str, function: str) -> None:
        """Note what a layer's output went into first."""
        self._followed_by.setdefault(layer, function)

    def on_activation(self, kind: str, layer: str, output: Tensor) -> None:
        """Summarise an activation's output, if this is a sampled step."""
        if layer:
            self._activation_after.setdefault(layer, kind)
        if is_sampled(self.step):
            self._activations.note(self.step, kind, layer, output, self._pending)

    def on_training_loss(
        self, kind: LossKind, name: str, output: Tensor, target: Tensor, options: dict[str, Any]
    ) -> None:
        """A loss was computed that may be trained on."""
        self._pairs.append((kind, name, output, target, options))

    def _commit(self) -> None:
        """The last forward pass is trained on: keep its samples and the loss call."""
        if self._input is not None and self.evidence.batch_size is None:
            self.evidence.batch_size = len(self._input)
        if self._pairs and self.evidence.data.loss is None:
            self.loss_log.commit(self.evidence, self._pairs, self.loss, self._pending)
        if self._input is not None and self.collector.looks and not self.is_part:
            self._learned = (self._input, self._pairs[0][3] if self._pairs else None)
        self._pairs = []
        self._input = None

    def note_call(self, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Let the tape of this step run."""
        if self._tape_now is not None:
            self._tape_now.note(function, args, kwargs, result)
            note_crossed(self.evidence.data, args, result)

    def before_backward(self, loss: Tensor) -> None:
        """A backward pass is about to begin."""
        if self.backwards == 0 and is_sampled(self.step):
            self._updates.before_backward(self.optimizers)
        elif self.backwards == 1 and is_sampled(self.step):
            self._updates.before_closure(self.step, self.optimizers)
        self.backwards += 1
        self.loss = loss.detach()
        self._commit()
        if self._tape_now is not None:
            self._tape_now.close(loss)
            self._tape_done = self._tape_now if self._tape_now.usable else None
            self._tape_now = None

    def _collect(self) -> None:
        """Keep what the last backward pass was made of; between steps, when their large tensors are gone.

        What stays from the midst of a step keeps the memory around it from being used again.
        """
        if self._learned is not None:
            self.collector.take(*self._learned, self.step)
            self._learned = None
        tape, call = self._tape_done, self._call
        if tape is not None and call is not None and self.ring.keep(call, tape.outside):
            self.tape = self.tape or tape
            tape.outside = []
        self._tape_done = self._call = None
        self._activations.collect(self.evidence)

    # step

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        """The optimiser is about to use the gradients."""
        if optimizer not in self.optimizers:
            self.optimizers.append(optimizer)
            describe_optimizers(self.evidence, self.model, self.optimizers)
        if self._input is not None and not self.backwards:
            self._commit()  # on a step that is not seen closely nobody has told of the backward pass
        self._collect()
        if is_sampled(self.step):
            self._updates.before_step(self.step, optimizer, self.backwards)

    def after_step(self, backward: int = 0) -> None:
        """The weights have been updated; the step is closed when the next begins, for optimisers may share it.

        backward  number of the program's last backward pass
        """
        self.stepped_after = hash((self.stepped_after, backward))
        self._replicas.after_step(self.model, self.step + 1)
        self._stepped = True
        self.last_step_at = time.monotonic()
        self.first_step_at = self.first_step_at or self.last_step_at

    def close_step(self) -> None:
        """Count the step that was made, if one was."""
        if not self._stepped:
            return
        self._collect()
        self.log.forget()
        self._updates.close(self.step, self.loss)
        self.loss_log.add(self.loss, self._pending)
        self.step += 1
        self._fresh()
        if self._readings.is_due():
            self._read()

    def _read(self) -> None:
        """Read what waits on the device, unless it is little and nothing depends on it."""
        self.collector.read()
        if len(self._pending) > MANY_SCALARS:
            self._pending.read()

    def note_loss(self, loss: Tensor | float) -> None:
        """Take the loss of the step that has just been made, where no backward pass was seen."""
        if self.loss is None:
            self.loss = loss.detach() if isinstance(loss, Tensor) else float(loss)

    def after_evaluation_forward(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A forward pass without gradients has ended."""
        if self.step:
            self.collector.end_pass()
        inputs = first_tensor(args, kwargs)
        if inputs is not None:
            self.log.add_inputs(inputs)

    def note_mode(self) -> None:
        """Note the mode in which outputs are made: by the time they are scored it may be another."""
        self.log.training_mode = any(module.training for module in self._switches)

    def on_evaluation(self, kind: LossKind, output: Tensor, target: Tensor, by_decision: bool = False) -> None:
        """Outputs of an evaluation were compared with targets."""
        call = self.evidence.data.loss
        ignored = call.ignore_index if call is not None else -100
        alike = call is None or FAMILIES.get(call.kind, call.kind) == FAMILIES.get(kind, kind)
        self.log.compare(self.step, kind, output, target, by_decision, ignored, alike)

    # the end

    def finish(self) -> Evidence:
        """Return everything that was seen, read back to the host."""
        self.close_step()
        evidence = self.evidence
        if self._pairs and not self.backwards and not self.step:
            self._commit()  # the very first loss raised an error
        self._collect()
        self._pending.read()
        self.collector.read()
        self.log.read()
        evidence.samples[:] = [sample for sample in evidence.samples if sample.grad_norm or sample.grad_missing]
        self._activations.finish(evidence)
        self._finish_data()
        self._finish_steps()
        note_penalties(evidence)
        put_in_order(evidence.layers, list(self._ran), self._last_layer)
        note_neighbours(evidence.layers, self._activation_after, self._followed_by, self.products)
        note_switches(evidence, self._switches)
        held = {id(p) for o in self.optimizers for p in parameters_of(o)}
        self._foreign |= {id(w): w for w in unregistered(self.model)}
        evidence.foreign_parameters = sum(w.numel() for key, w in self._foreign.items() if key not in held)
        self._replicas.finish()
        evidence.replica_hashes = list(self._replicas.hashes)
        evidence.experiments = self.loss_log.tried
        evidence.experiments.output_transform = self.loss_log.output_transform if self.loss_log.gives_output else ""
        evidence.experiments.linear_pairs = [p for p in self.linear_pairs if p[0] not in self.branches]
        return evidence

    def _finish_data(self) -> None:
        """Set what was trained and evaluated on."""
        evidence, hashes = self.evidence, self.collector.seen
        evidence.steps_per_epoch = self.collector.steps_per_epoch
        evidence.data.repeated_batches = self.collector.equal_batches
        evidence.data.train = self.collector.sample_set()
        evidence.data.broken_targets = self.ring.broken()
        if self.tape is not None and evidence.data.loss is None:
            evidence.data.subtracted = self.ring.scale_of(self.tape.subtracted())
        evidence.data.late_spread, evidence.data.late_classes = self.ring.spread(), self.ring.classes()
        evidence.data.valid = valid_samples(self.log.chunks, hashes)
        evidence.data.overlap = overlap(self.log.chunks, hashes)
        evidence.data.valid_comes_again = comes_again(self.log.chunks, hashes)
        evidence.data.unseen_at_first_alone = unseen_at_first_alone(self.log.chunks, hashes)
        evidence.evaluations = evaluations_of(self.log.chunks, hashes)
        evidence.scored_in_training, evidence.drops_in_evaluation = list(self.log.scored), self.log.dropped
        evidence.scored_across, evidence.truncated = self.log.crossed, self.log.truncated

    def _finish_steps(self) -> None:
        """Set what was stepped on, and the losses."""
        evidence = self.evidence
        evidence.never_backward = self.step == 0 and not self.backwards
        if not self.step and not self.is_part and any(p.grad is not None for p in self.model.parameters()):
            evidence.idle_passes = self.backwards
        backwards = [sample.backwards for sample in evidence.samples]
        evidence.accumulates = bool(backwards) and min(backwards) > 1
        self.loss_log.finish(evidence)
