"""Codes of the training family: what goes wrong while the weights move."""

from __future__ import annotations

from convergent.doctor.codes.code import Code

TRAINING = {
    "training/non-finite": Code(
        says="loss, gradient or activation became NaN or Inf",
        why="From the first NaN on nothing is learned, and the weights are lost.",
        remedies=(
            "go back to the last finite checkpoint",
            "lower the learning rate",
            "clip the gradient's norm",
            "add an eps to logarithms, roots and divisions",
        ),
        source="Goodfellow, Bengio, Courville: Deep Learning (2016), section 4.1",
    ),
    "training/vanishing-gradient": Code(
        says="early layers learn far slower than late ones",
        why="The first layers stay random: the network is as shallow as the part that learns.",
        remedies=(
            "ReLU (or GELU) with He initialisation",
            "batch or layer norm",
            "residual connections; for recurrent networks LSTM or GRU",
        ),
        source="Glorot and Bengio 2010; AutoTrainer",
    ),
    "training/exploding-gradient": Code(
        says="gradients grow without bound",
        why="One such step throws away what was learned before it.",
        remedies=(
            "clip the gradient's norm, to 1 for a start",
            "lower the learning rate",
            "norm layers",
            "initialisation that fits the activation",
        ),
        source="Pascanu et al. 2013; AutoTrainer",
    ),
    "training/dying-relu": Code(
        says="units that never fire",
        why="A unit that is zero for every input gets no gradient and never comes back: capacity is lost.",
        remedies=(
            "lower the learning rate",
            "LeakyReLU or GELU",
            "batch norm before the activation",
            "He initialisation, biases at zero",
        ),
        source="Lu et al. 2019, Dying ReLU; TheDeepChecker",
    ),
    "training/saturated-activations": Code(
        says="sigmoid or tanh stuck at its ends",
        why="There the slope is zero: no gradient passes to the layers below.",
        remedies=(
            "standardise the inputs",
            "Glorot initialisation",
            "batch or layer norm",
            "ReLU",
        ),
        source="Rakitianskaia and Engelbrecht 2015; TheDeepChecker",
    ),
    "training/learning-rate-too-high": Code(
        says="steps too large",
        why="Each step jumps over the minimum: the loss stays high or grows.",
        remedies=(
            "lower the learning rate, by 10 for a start",
            "warm-up",
            "a schedule that decays",
        ),
        source="CS231n; TheDeepChecker",
    ),
    "training/learning-rate-too-low": Code(
        says="steps too small",
        why="The weights hardly move: at this pace the budget ends long before the learning does.",
        remedies=("raise the learning rate, to what a range test gives",),
        source="CS231n; Smith 2017",
    ),
    "training/oscillating-loss": Code(
        says="loss or metric swings without progress",
        why="Steps undo each other; where training ends is left to chance.",
        remedies=(
            "lower the learning rate",
            "a larger batch",
            "a schedule that decays",
        ),
        source="AutoTrainer; TheDeepChecker",
    ),
    "training/loss-spike": Code(
        says="a jump far out of the recent spread",
        why="A single bad step can undo many good ones, and often announces divergence.",
        remedies=(
            "go back to the checkpoint before",
            "clip the gradient's norm",
            "look at the batch, and skip it if it is bad",
            "warm-up",
        ),
        source="Chowdhery et al. 2022, PaLM, section 5.1",
    ),
    "training/divergence": Code(
        says="loss grows away for good",
        why="The training is lost from this step on.",
        remedies=(
            "lower the learning rate",
            "clip the gradient's norm",
            "check the initialisation",
            "check the sign of each part of the loss; a Wasserstein critic needs a bound on its slope",
        ),
        source="Goodfellow, Bengio, Courville: Deep Learning (2016), section 8.2",
    ),
    "training/slow-convergence": Code(
        says="almost no progress for the budget",
        why="The budget will end before the network has learned what it could.",
        remedies=(
            "set the learning rate by a range test",
            "another optimiser (AdamW)",
            "normalise inputs and layers",
        ),
        source="AutoTrainer",
    ),
    "training/constant-output": Code(
        says="the same prediction for every input",
        why="The network has given up its input; its loss is that of a constant.",
        remedies=(
            "lower the learning rate",
            "check the initialisation",
            "look for dead or saturated units",
        ),
        source="TheDeepChecker",
    ),
    "training/overfitting": Code(
        says="validation gets worse while training gets better",
        why="From here on the network learns the samples by heart, and new data fare worse with every step.",
        remedies=(
            "early stopping: keep the weights of the best validation step",
            "augmentation",
            "dropout",
            "weight decay",
            "a smaller model",
            "more data",
        ),
        source="Prechelt 1998, Early stopping - but when?",
    ),
    "training/underfitting": Code(
        says="even the training loss stays high",
        why="The network does not even describe the data it has seen, so it can't describe new data.",
        remedies=(
            "more capacity",
            "train longer",
            "check the learning rate",
        ),
        source="Goodfellow, Bengio, Courville: Deep Learning (2016), section 5.2",
    ),
    "training/regularization-dominates": Code(
        says="the penalty's gradient exceeds the data's",
        why="The optimiser shrinks weights, or what the penalty is on, instead of fitting the data.",
        remedies=(
            "lower the penalty or weight decay, by 10 for a start",
            "sum or average all terms of the loss alike; warm a divergence up from zero",
        ),
        source="TheDeepChecker; Bowman et al. 2016, Generating sentences from a continuous space",
    ),
    "training/edge-of-stability": Code(
        says="η·λ_max > 2",
        why="Gradient descent cannot settle where the curvature exceeds 2/η; full-batch training often hovers here.",
        remedies=(
            "lower the learning rate",
            "warm-up",
        ),
        source="Cohen et al. 2021; Cockpit",
    ),
    "training/batch-size": Code(
        says="far from the critical batch size",
        why="Far below it steps are noise, far above it samples are wasted.",
        remedies=("change the batch size, and scale the learning rate with it",),
        source="McCandlish et al. 2018",
    ),
    "training/metric-loss-disagree": Code(
        says="loss improves, metric does not",
        why="Either the metric is computed wrongly, or the loss is not what is wanted.",
        remedies=("check the metric: dim of argmax, threshold, order of its arguments, averaging",),
        source="TheDeepChecker",
    ),
    "training/replicas-differ": Code(
        says="replicas of the model have drifted apart",
        why="Each process trains another network: what is averaged or saved belongs to none of them.",
        remedies=(
            "broadcast the weights of rank 0, and average gradients at every step",
            "wrap in DistributedDataParallel after moving to the device and before making the optimiser",
        ),
        source="TrainCheck",
    ),
}
