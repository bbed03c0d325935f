"""The names of torch's functions by what they are to a training."""

from __future__ import annotations

from convergent.doctor.record import LossKind


def names(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


LOSSES: dict[str, LossKind] = {
    "cross_entropy": "cross_entropy",
    "nll_loss": "nll",
    "nll_loss_nd": "nll",
    "binary_cross_entropy": "bce",
    "binary_cross_entropy_with_logits": "bce_with_logits",
    "mse_loss": "mse",
    "l1_loss": "l1",
    "smooth_l1_loss": "smooth_l1",
    "huber_loss": "smooth_l1",
    "kl_div": "other",
    "gaussian_nll_loss": "other",
    "poisson_nll_loss": "other",
    "soft_margin_loss": "other",
    "multilabel_soft_margin_loss": "other",
    "multi_margin_loss": "other",
    "hinge_embedding_loss": "other",
    "cosine_embedding_loss": "other",
    "margin_ranking_loss": "other",
    "ctc_loss": "other",
}
SIGNED = names("soft_margin_loss hinge_embedding_loss cosine_embedding_loss margin_ranking_loss")
"""Losses whose targets are 1 and -1."""
OF_PAIRS = names("cosine_embedding_loss margin_ranking_loss")
"""Losses of two inputs; the target is the third."""
ACTIVATIONS = names("""
    relu relu_ leaky_relu leaky_relu_ gelu silu elu elu_ selu celu relu6 hardtanh hardswish mish softplus prelu
    sigmoid sigmoid_ tanh tanh_ hardsigmoid softmax log_softmax logsigmoid softsign
""")
LINEAR = names("linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d")
WITH_WEIGHTS = names("""
    linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d bilinear embedding embedding_bag
    multi_head_attention_forward lstm gru rnn_tanh rnn_relu batch_norm layer_norm group_norm rms_norm instance_norm
    lstm_cell gru_cell matmul mm addmm bmm __matmul__ einsum
""")
PRODUCTS = names("matmul mm __matmul__")
SAME_CONTENT = names("""
    view reshape flatten squeeze unsqueeze transpose permute contiguous float double half to type clone t T mT
    swapaxes movedim unflatten view_as reshape_as type_as expand cat stack __getitem__ select narrow index_select gather
    take_along_dim
    detach cpu cuda long int unbind split chunk dropout alpha_dropout feature_alpha_dropout dropout2d
""")
PICKS = names("__getitem__ gather")
"""Take one value a row: of log-probabilities, those of the targets, as cross-entropy by hand does."""
SUMS = names("add __add__ __iadd__ add_ mean")
JOINS = names("add __add__ __iadd__ __radd__ add_ mul __mul__ __rmul__ cat sub __sub__")
BETWEEN = (
    SAME_CONTENT
    | SUMS
    | names("""
    batch_norm layer_norm group_norm rms_norm instance_norm max_pool1d max_pool2d avg_pool1d avg_pool2d
    adaptive_avg_pool2d adaptive_max_pool2d
""")
)
VALUES = names("log exp clamp clamp_ clip neg softmax log_softmax sigmoid sigmoid_ tanh relu logsigmoid")
DROPOUTS = names("""
    dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout scaled_dot_product_attention
""")
DECISIONS = names("argmax max round gt ge __gt__ __ge__ topk")
READS = names("item tolist numpy __array__")
TRUNCATIONS = names("int long short to type type_as trunc trunc_ fix floor floor_")
"""Leave of a probability below one nothing, where they give whole numbers."""
DIFFERENCES = names("sub __sub__ rsub __rsub__ subtract")
SQUARES = names("pow __pow__ square mul __mul__ multiply")
ABSOLUTES = names("abs absolute __abs__")
EQUALITIES = names("eq __eq__ ne __ne__")
ADAPTIVE = names("Adam AdamW NAdam RAdam Adamax RMSprop Adagrad Adadelta Adafactor Lion Muon SparseAdam")
"""Optimisers whose step does not follow the size of the gradient."""
DECOUPLED = frozenset({"AdamW", "Muon", "Lion"})
"""Optimisers whose weight decay does not go through the gradient: Loshchilov and Hutter 2019, arXiv 1711.05101."""
