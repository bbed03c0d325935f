"""Codes of the setup family: the model, its output, its loss and the loop, as they were put together."""

from __future__ import annotations

from convergent.doctor.codes.code import Code

SETUP = {
    "setup/loss-at-init": Code(
        says="the loss at the first step is not what chance gives",
        why="The first steps are spent on unlearning the start, or the loss is not the one that is meant.",
        remedies=(
            "set the last layer's bias to the prior",
            "scale the last layer's weights down",
            "check what the loss gets",
        ),
        source="Karpathy 2019, A recipe for training neural networks",
    ),
    "setup/output-loss-mismatch": Code(
        says="the network's output is not what the loss expects",
        why="The loss applies softmax or a logarithm to what is no logit or no probability: gradients shrink or lie.",
        remedies=(
            "hand logits to cross-entropy or BCE-with-logits: no softmax or sigmoid before them",
            "a linear head for regression",
            "cross-entropy for classes",
        ),
        source="UMLAUT; NeuraLint",
    ),
    "setup/output-range": Code(
        says="targets lie outside what the output can reach",
        why="Such targets can never be fitted, however long the training.",
        remedies=(
            "remove or change the last activation",
            "scale the target into its range",
        ),
        source="DeepDiagnosis",
    ),
    "setup/input-ignored": Code(
        says="the prediction does not depend on the input",
        why="A network that ignores its input can only learn how frequent each answer is.",
        remedies=(
            "check that inputs and targets of a batch belong together",
            "look for dead layers and zeroed or detached tensors between input and output",
        ),
        source="Karpathy 2019, A recipe for training neural networks",
    ),
    "setup/cannot-overfit-batch": Code(
        says="the model can't learn even one batch",
        why="What cannot learn 32 samples by heart cannot learn the task: something between input and loss is broken.",
        remedies=(
            "mend the other findings first",
            "check that the gradient reaches every layer",
            "more capacity",
        ),
        source="Karpathy 2019, A recipe for training neural networks; TheDeepChecker",
    ),
    "setup/bad-initialization": Code(
        says="weights all equal, or their variance far from He/Glorot/LeCun",
        why="Equal units stay equal for ever; a wrong variance shrinks or blows up the signal layer by layer.",
        remedies=("He initialisation before ReLU, Glorot before tanh and sigmoid (or torch's default)",),
        source="Glorot and Bengio 2010; He et al. 2015; TheDeepChecker",
    ),
    "setup/parameters-not-trained": Code(
        says="parameters get no gradient, or the optimiser doesn't hold them",
        why="These weights stay at their random start while everybody believes they learn.",
        remedies=(
            "set requires_grad, and remove what cuts the graph (detach, .data, numpy, argmax, no_grad)",
            "hand them to the optimiser; layers in a plain list need nn.ModuleList",
            "make the optimiser after the model, and anew with it",
        ),
        source="TrainCheck",
    ),
    "setup/samples-mix-in-batch": Code(
        says="one sample's output depends on another sample of the batch",
        why="The network reads its neighbours' data: predictions then change with the company a sample keeps.",
        remedies=("mend the reshape, view or dim that runs over the batch (batch_first in recurrent layers)",),
        source="Karpathy 2019, A recipe for training neural networks",
    ),
    "setup/future-leak": Code(
        says="a causal model sees tokens to come",
        why="It copies the answer from its input: the loss looks wonderful and generation is noise.",
        remedies=("a causal mask in every attention layer: scaled_dot_product_attention(is_causal=True)",),
        source="Karpathy 2019, A recipe for training neural networks",
    ),
    "setup/loss-reduction": Code(
        says="the loss sums over the batch, or broadcasts",
        why="A sum ties the learning rate to the batch size; broadcasting compares every sample with every target.",
        remedies=(
            "reduction='mean'",
            "give output and target equal shapes: squeeze or unsqueeze one of them",
        ),
        source="TheDeepChecker",
    ),
    "setup/missing-nonlinearity": Code(
        says="linear layers follow each other with nothing between",
        why="Two linear maps are one linear map: the second adds parameters and no power.",
        remedies=("an activation between them",),
        source="NeuraLint; UMLAUT",
    ),
    "setup/wrong-mode": Code(
        says="training in eval mode, or evaluation in train mode",
        why="Dropout and batch norm act differently in the two modes: figures are of another network than is used.",
        remedies=(
            "model.train() before each training epoch, model.eval() before each evaluation",
            "nn.Dropout, or training=self.training handed to a dropout function",
        ),
        source="TrainCheck",
    ),
    "setup/missing-zero-grad": Code(
        says="gradients pile up between steps",
        why="Each step then follows the sum of all gradients so far, most of them of weights long gone.",
        remedies=("optimizer.zero_grad() once for every optimizer.step()",),
        source="TrainCheck",
    ),
    "setup/learning-rate-out-of-range": Code(
        says="the learning rate is far from what the range test allows",
        why="Outside this range the network either does not move or does not hold together.",
        remedies=(
            "take the rate from the range test",
            "warm-up",
        ),
        source="Smith 2017, Cyclical learning rates",
    ),
}
