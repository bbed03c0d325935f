"""Codes of the result family: what the end of a training says of it."""

from __future__ import annotations

from convergent.doctor.codes.code import Code

RESULT = {
    "result/no-better-than-baseline": Code(
        says="no better than always predicting the prior",
        why="The network adds nothing to knowing how frequent each answer is.",
        remedies=("see the other findings: one of them is the cause",),
        source="Goodfellow, Bengio, Courville: Deep Learning (2016), section 11.2",
    ),
    "result/class-collapse": Code(
        says="some classes are never predicted",
        why="For these classes the network is always wrong, and the average hides it.",
        remedies=(
            "class weights in the loss",
            "more data of these classes",
        ),
        source="TheDeepChecker",
    ),
    "result/train-eval-gap": Code(
        says="the same data score differently in train and eval mode",
        why="The network that is used is not the one that was trained: its statistics or its dropout are off.",
        remedies=(
            "batch norm: larger batches or a faster momentum, so that its running statistics catch up",
            "weaker dropout",
            "a momentum near 0.1: torch's is one minus that of Keras",
        ),
        source="TheDeepChecker",
    ),
    "result/too-good": Code(
        says="suspiciously perfect",
        why="A perfect figure on a hard task usually comes from an answer that leaked into the input.",
        remedies=("look for leakage: equal samples in both splits, features made from the label",),
        source="UMLAUT",
    ),
    "result/stopped-early": Code(
        says="the best step is in the last quarter of the budget and still improving",
        why="Training ended while it still paid.",
        remedies=("train longer",),
        source="Godbole et al. 2023, Deep learning tuning playbook",
    ),
}
