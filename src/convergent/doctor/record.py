"""What the doctor knows of one training, as plain values: the rules read this and nothing else.

`Evidence` is filled by the probe (what was seen) and by the experiments (what was tried on a copy). Everything in it
may be missing: a rule that lacks what it needs says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

LossKind = Literal["cross_entropy", "nll", "bce", "bce_with_logits", "mse", "l1", "smooth_l1", "other"]


@dataclass
class LossCall:
    """The loss that is trained on, as it was called at the first step that was seen."""

    kind: LossKind
    name: str
    """Of the function: `cross_entropy`, `mse_loss`; empty where it was written out by hand."""
    output_shape: tuple[int, ...]
    target_shape: tuple[int, ...]
    target_is_index: bool
    """Targets are class numbers (an integer type)."""
    reduction: str = "mean"
    ignore_index: int = -100
    label_smoothing: float = 0.0
    weighted: bool = False
    """Class weights or `pos_weight` were given."""
    class_weights: list[float] = field(default_factory=list)
    """One a class, where they were given so."""
    by_hand: bool = False
    negated: bool = False
    """The backward pass began from minus this loss: the training climbs."""
    of_probabilities: bool = False
    """The loss takes the logarithm of its input itself, as Keras's do without `from_logits`."""
    log_input: bool = True
    """A Poisson loss takes its input for the logarithm of the rate."""


@dataclass
class SampleSet:
    """Samples that were seen, each once, in the order in which they came; `inputs` are as the network got them."""

    inputs: Tensor
    """(N, ...) float, or integer tokens."""
    targets: Tensor | None
    """(N, ...) as the loss got them."""
    batch_sizes: list[int] = field(default_factory=list)
    """The batches in which they came, in order: sums to N."""
    hashes: list[int] = field(default_factory=list)
    """One a sample, of its input; empty where inputs are random."""
    complete: bool = False
    """Every sample of the split is here: the first epoch was seen whole."""
    total: int | None = None
    """Samples in the split, where that is known."""
    with_replacement: bool = False
    """Batches are drawn at random from all samples: that one comes again says nothing."""
    times: float = 1.0
    """How often every sample comes in an epoch."""

    def in_single_precision(self) -> SampleSet:
        """Return inputs and targets as float32 where they were kept as bfloat16: rules compute with them."""
        inputs, targets = (
            tensor.float() if tensor is not None and tensor.dtype == torch.bfloat16 else tensor
            for tensor in (self.inputs, self.targets)
        )
        assert inputs is not None
        return replace(self, inputs=inputs, targets=targets)


@dataclass
class DataEvidence:
    """What went through the network: training samples of the first epoch, and those of evaluations."""

    train: SampleSet | None = None
    valid: SampleSet | None = None
    """Evaluated samples that were not mostly training samples."""
    num_classes: int | None = None
    """Where targets are class numbers: the number of logits."""
    loss: LossCall | None = None
    several_targets: bool = False
    """One output is compared with several targets, as where two samples are mixed: none belongs to an input alone."""
    other_targets: list[tuple[str, tuple[int, ...], float, float]] = field(default_factory=list)
    """Of further losses on numbers: name, shape of the output, mean and standard deviation of a batch's targets."""
    subtracted: tuple[float, float] | None = None
    """Mean and standard deviation of the numbers that a loss of the user's own takes from outputs, one a sample."""
    crossed: str = ""
    """Shapes of a column and a row that were crossed to a table on the way from the output to the loss."""
    overlap: float | None = None
    """Share of the validation samples that are training samples too, from the hashes of all that was seen."""
    unseen_at_first_alone: bool = False
    """Samples were unseen at the first evaluations, and trained on before at all later ones."""
    valid_comes_again: bool = True
    """The samples of the first evaluation are among those of the last."""
    file_names: list[str] = field(default_factory=list)
    """Names of the training samples where they are known, aligned with `train`."""
    feature_names: list[str] = field(default_factory=list)
    late_spread: float | None = None
    """Standard deviation of all numbers in the last batches that were trained on."""
    late_classes: Tensor | None = None
    """Class numbers of the last batches that were trained on."""
    broken_targets: tuple[int, int] = (0, 0)
    """Of the batches that were kept: samples with numbers for the loss that are not finite, and all."""
    repeated_batches: int = 0
    """Batches that are equal to the one before."""


@dataclass
class Layer:
    """A module with weights, in the order in which modules first ran; numbers are of before the first step."""

    name: str
    kind: str
    """Class name: `Linear`, `Conv2d`, `LSTM`, `Embedding`, `BatchNorm2d`."""
    weight_shape: tuple[int, ...]
    fan_in: int
    fan_out: int
    weight_std: float
    weight_mean: float
    equal_units: bool
    """All output units have the same weights."""
    activation: str = ""
    """Class or function name of what directly follows, such as `ReLU`; empty where unknown or none."""
    followed_by: str = ""
    """The next module or function that its output goes to: `BatchNorm2d`, `Linear`, `dropout`; empty if unknown."""
    num_parameters: int = 0
    trainable: int = 0
    """Parameters with requires_grad."""
    in_optimizer: int = 0
    """Parameters that the optimiser holds."""
    is_last: bool = False
    multiplies: bool = False
    """Inputs are multiplied by the weight, (fan_in, fan_out), in a module that torch does not know."""
    zero_rows: float = 0.0
    """Share of the units whose weights are all zero: of an embedding, of the tokens."""
    fresh: bool = False
    """Weights still have torch's default uniform distribution: the layer was never trained or set."""


@dataclass
class StepSample:
    """One sampled step. Dictionaries are by layer name (as in `Layer.name`), norms are Frobenius norms."""

    step: int
    loss: float
    learning_rate: float
    grad_norm: dict[str, float] = field(default_factory=dict)
    grad_missing: list[str] = field(default_factory=list)
    """Trainable parameters without any gradient at this step."""
    weight_norm: dict[str, float] = field(default_factory=dict)
    update_norm: dict[str, float] = field(default_factory=dict)
    unchanged: float = 0.0
    """Share of the weights of half precision that a step left as they were."""
    stale_gradient: float = 0.0
    """Norm of the gradient that lay there before the first backward pass after the previous step."""
    backwards: int = 1
    training_mode: bool = True
    not_finite: str = ""
    """First module or parameter, in the order of the computation, that is not finite."""
    output_std: float | None = None
    """Mean over output components of the standard deviation across the samples of the batch."""
    penalty_ratio: float | None = None
    """Norm of the penalties' gradient (weight decay included) by that of the data's."""
    clipped_to: float | None = None


@dataclass
class ActivationSample:
    """The output of one activation at one sampled step."""

    step: int
    name: str
    kind: str
    units: int
    zero_units: float
    """Share of units that are zero for every sample of the batch."""
    saturation: float
    """Rho_B of Rakitianskaia and Engelbrecht 2015 for bounded activations: 0 none, 1 all at the ends."""
    std: float
    std_across_samples: float


@dataclass
class Evaluation:
    """One pass over evaluation data between two training steps."""

    step: int
    split: Literal["train", "valid"]
    samples: int
    loss: float | None
    metric: float | None
    """Accuracy for classes, R2 for numbers, from outputs and targets."""
    training_mode: bool
    """Some dropout or batch norm was in training mode."""
    predicted_counts: list[int] = field(default_factory=list)
    true_counts: list[int] = field(default_factory=list)
    interval: tuple[float, float] | None = None
    """95 % interval of `loss`, from the samples."""
    baseline: float | None = None
    """The metric of always predicting the training prior (majority class, mean)."""


@dataclass
class Experiments:
    """What was tried on a copy of the model; None where it was not tried."""

    initial_loss: float | None = None
    chance_loss: float | None = None
    """The loss of the best constant prediction on the training targets."""
    floor_loss: float = 0.0
    """The loss of the best prediction of all: above zero where targets are shares, as after smoothing."""
    several_inputs: bool = False
    """The network takes more than one tensor that holds samples: the first alone need not tell the target."""
    attends_over_batch: str = ""
    """A layer that takes time first and is given samples first; empty where there is none."""
    hidden_growth: float | None = None
    """Of a recurrent state with ReLU at its first weights: its norm at the end by that after a third of the time."""
    growing_layer: str = ""
    samples_mix: float | None = None
    """Largest change of one sample's output when only another sample changes, by the outputs' std; eval mode."""
    future_leak: float | None = None
    given_answers: bool = False
    """Beside another input the network gets the very class numbers that it is to predict, place by place."""
    causal: bool = False
    """The loss compares output t with input t+1: the model must not see tokens to come."""
    doubled_batch_ratio: float | None = None
    """Loss of a batch with every sample twice by the loss of the batch."""
    permuted_loss: list[float] = field(default_factory=list)
    """Final model: losses with inputs permuted against targets, several permutations."""
    real_loss: float | None = None
    """Final model: the loss on the same samples, unpermuted."""
    eval_mode_loss: float | None = None
    train_mode_loss: float | None = None
    """Final model on the same training samples, in both modes."""
    eval_calls_differ: float | None = None
    positives: tuple[int, int, int, int] | None = None
    """Final model, where the loss is none that is known: outputs that say 1, targets that are 1, both, and all."""
    own_accuracy: float | None = None
    """Final model on the evaluated samples: the share whose likeliest class is right, by our own count."""
    overfit_start: float | None = None
    overfit_end: float | None = None
    """Loss on one batch before and after training on it alone, with the user's optimiser from the initial weights."""
    overfit_metric: float | None = None
    range_test: list[tuple[float, float]] = field(default_factory=list)
    """(learning rate, loss after a few steps at it) from the initial weights, rates increasing."""
    tenth_rate_loss: float | None = None
    same_rate_loss: float | None = None
    higher_rate_loss: float | None = None
    """Losses after equally many steps from the initial weights at a tenth, once and ten times the learning rate."""
    output_sums_to_one: bool | None = None
    output_min: float | None = None
    output_max: float | None = None
    output_log_sum: float | None = None
    """Mean of log(sum(exp(outputs))): 0 for log-probabilities."""
    output_transform: str = ""
    """The last function on the way to the output: `softmax`, `log_softmax`, `sigmoid`, `relu`, `tanh`; else empty."""
    linear_pairs: list[tuple[str, str]] = field(default_factory=list)
    """Neighbouring linear layers with nothing nonlinear between."""
    affine: bool | None = None
    """First weights: the output for the mean of two inputs is the mean of their outputs, and depends on no other."""
    penalty_ratio: float | None = None
    """Of a penalty in the loss, a function of the weights alone: norm of its gradient by the rest's, at the end."""
    fresh_same_loss: float | None = None
    fresh_best_loss: float | None = None
    """On batches left out, after a few steps from the first weights at the user's rate and at the best one tried."""
    freed_gap: float | None = None
    """What exchanged inputs cost after a short training without what sees no target, by the loss at the end."""
    time_ratio: float | None = None
    """Of a recurrent network at the end: gradient of the loss by its first inputs in time by that by the last ones."""
    sharpness: float | None = None
    """Learning rate times the largest eigenvalue of the Hessian."""
    noise_scale: float | None = None
    neighbour_agreement: tuple[float, float, float] | None = None
    """(share of samples whose nearest neighbour has their label, its expectation by chance, standard error)."""


@dataclass
class Evidence:
    """All that is known of one model in training."""

    name: str = ""
    """Of the model's class."""
    num_parameters: int = 0
    layers: list[Layer] = field(default_factory=list)
    optimizer: str = ""
    momentum: float = 0.0
    weight_decay: float = 0.0
    adaptive: bool = False
    """Adam and its kin: the size of a step does not follow the size of the gradient."""
    accumulates: bool = False
    batch_size: int | None = None
    data: DataEvidence = field(default_factory=DataEvidence)
    losses: list[float] = field(default_factory=list)
    """One a step, every step, by `loss_scale`."""
    loss_scale: float = 1.0
    """What the backward pass began from, by the mean over samples and elements: of accumulation, sums, scalers."""
    steps_per_epoch: int | None = None
    samples: list[StepSample] = field(default_factory=list)
    activations: list[ActivationSample] = field(default_factory=list)
    histograms: dict[str, list[float]] = field(default_factory=dict)
    """By activation, at the last of a few steps: shares of values in equal bins from -m to m, and m at the end."""
    dead_units: dict[str, float] = field(default_factory=dict)
    """By activation after that layer: share of the units that were zero throughout nearly all late sampled batches."""
    evaluations: list[Evaluation] = field(default_factory=list)
    experiments: Experiments = field(default_factory=Experiments)
    never_backward: bool = False
    idle_passes: int = 0
    """Backward passes that gave the weights gradients, where no optimiser ever made a step with them."""
    hidden_shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    pretrained: bool = False
    """Part of the model is frozen on purpose: whole modules without requires_grad."""
    adversarial: bool = False
    """One of several models whose losses depend on each other (a GAN): its loss need not fall."""
    scored_in_training: list[bool] = field(default_factory=list)
    """Of every score that tells no targets: whether its outputs were made in training mode."""
    scored_across: str = ""
    """Shapes of outputs and targets that an evaluation compared each with every other."""
    truncated: str = ""
    """The last function on the way to probabilities that an evaluation cut to whole numbers: `sigmoid`."""
    drops_in_evaluation: bool = False
    """A dropout function drops units though the model is in evaluation mode."""
    has_switches: bool = False
    """Dropout or batch norm: training and evaluation mode differ."""
    has_batch_norm: bool = False
    stale_average: str = ""
    """A batch norm of an evaluated copy whose weights follow the model and whose statistics are of no data."""
    norm_momentum: float = 0.0
    """Largest momentum of a batch norm: the share that the last batch has in its running statistics."""
    foreign_parameters: int = 0
    """Weights that the forward pass uses, though they are no parameters of the model and no optimiser holds them."""
    replica_hashes: list[int] = field(default_factory=list)
    """Of the weights, one a rank, where several processes train together."""
