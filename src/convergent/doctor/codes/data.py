"""Codes of the data family: what is wrong with inputs, targets and splits."""

from __future__ import annotations

from convergent.doctor.codes.code import Code

DATA = {
    "data/too-few-samples": Code(
        says="too little data for a model this size",
        why="With a handful of samples of a class, a network learns the samples by heart and not the class.",
        remedies=(
            "transfer learning: start from a pretrained backbone and train the head first",
            "augmentation that keeps the label",
            "a smaller model",
        ),
        source="Goodfellow, Bengio, Courville: Deep Learning (2016), section 7",
    ),
    "data/inputs-not-normalized": Code(
        says="inputs are not on a common scale",
        why="Gradients grow with the inputs: one learning rate cannot suit features of very different size.",
        remedies=(
            "standardise with the mean and deviation of the training split (and use the same numbers everywhere)",
            "batch norm as the first layer",
            "read codes for missing values (-999) as missing, and fill these in before anything is scaled",
        ),
        source="LeCun et al. 1998, Efficient BackProp; TheDeepChecker; UMLAUT; AutoTrainer",
    ),
    "data/targets-not-scaled": Code(
        says="regression target far from unit scale",
        why="A new network outputs values near ±1: large targets make huge gradients, tiny ones make the loss vanish.",
        remedies=("standardise the target with training statistics and invert this at prediction",),
        source="TheDeepChecker",
    ),
    "data/non-finite-values": Code(
        says="NaN or Inf in inputs or targets",
        why="One NaN in a batch makes the loss, every gradient and then every weight NaN.",
        remedies=("impute or drop the rows, and say how many: numpy.isfinite finds them",),
        source="deepchecks",
    ),
    "data/constant-feature": Code(
        says="a feature that never changes",
        why="It carries no information, and standardising it divides by zero.",
        remedies=("drop the feature",),
        source="deepchecks",
    ),
    "data/class-imbalance": Code(
        says="classes very unequal",
        why="Predicting the frequent class pays, so rare classes are never learned and accuracy hides it.",
        remedies=(
            "class weights in the loss, or a sampler that draws classes evenly",
            "watch balanced accuracy or F1 instead of accuracy",
        ),
        source="TheDeepChecker; cleanlab",
    ),
    "data/duplicate-samples": Code(
        says="the same sample many times",
        why="Copies weigh more than other samples, and a split puts copies on both sides.",
        remedies=("drop duplicates before splitting",),
        source="deepchecks; cleanlab",
    ),
    "data/conflicting-labels": Code(
        says="equal inputs with different labels",
        why="No network can get both right: these samples only push the weights to and fro.",
        remedies=("relabel or drop the listed samples",),
        source="deepchecks",
    ),
    "data/train-val-leakage": Code(
        says="validation samples are in the training set",
        why="The validation figure then measures memory and promises more than new data will give.",
        remedies=(
            "split again before anything else, by group (person, document) or by time where samples belong together",
        ),
        source="Kapoor and Narayanan 2023, Leakage and the reproducibility crisis; deepchecks; Karpathy's recipe",
    ),
    "data/label-leaking-feature": Code(
        says="one feature alone predicts the label",
        why="It is usually written down together with the label, and is missing when the model is used.",
        remedies=("drop the feature, unless it is known at prediction time",),
        source="deepchecks",
    ),
    "data/label-noise": Code(
        says="part of the labels look wrong",
        why="Wrong labels cap what can be reached, and a large network learns them by heart.",
        remedies=(
            "review the listed samples",
            "label smoothing",
            "leave the worst out",
        ),
        source="Northcutt et al. 2021, Confident learning; cleanlab",
    ),
    "data/labels-shuffled": Code(
        says="labels carry no information on the inputs",
        why="Where labels belong to other samples there is nothing to learn but each sample by heart.",
        remedies=("check how files and labels are paired: sorting, shuffling or filtering one without the other",),
        source="Zhang et al. 2017, Rethinking generalization; TheDeepChecker; cleanlab",
    ),
    "data/invalid-labels": Code(
        says="labels outside the loss's domain",
        why="The loss is not defined there: it crashes on one device and returns nonsense on another.",
        remedies=("encode the labels again: class numbers from 0 to C-1, probabilities within 0 to 1",),
        source="PyTorch documentation of the loss",
    ),
    "data/preprocessing-mismatch": Code(
        says="training and validation inputs are prepared differently",
        why="The network meets inputs it has never seen the like of, and the validation figure says nothing.",
        remedies=("one transform for both, with the statistics, vocabulary and classes of the training split",),
        source="TheDeepChecker",
    ),
    "data/augmentation-too-strong": Code(
        says="augmented samples leave the distribution",
        why="The network learns what it will never meet, and training stays harder than the task.",
        remedies=("weaken the augmentation until a person still recognises the samples",),
        source="TheDeepChecker",
    ),
    "data/not-shuffled": Code(
        says="batches are ordered by label or time",
        why="Each batch pulls toward its own class, and the network forgets the others on the way.",
        remedies=("shuffle the training samples every epoch: DataLoader(shuffle=True)",),
        source="Bengio 2012, Practical recommendations; cleanlab",
    ),
    "data/worker-seeds-repeated": Code(
        says="loader workers produce the same random numbers",
        why="Each worker then draws the same augmentations: there is less variety than it seems.",
        remedies=("seed each worker from torch.initial_seed() in worker_init_fn, or draw from torch's generator",),
        source="TrainCheck",
    ),
}
