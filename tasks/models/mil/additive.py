"""The additive slide model: a tile has a signed score per class, and the logits are their weighted mean."""

from typing import ClassVar

from tasks.models.mil._gated import GatedModel, GatedNetwork


class Additive(GatedModel):
    """Each class weighs the tiles in its own way, and what a tile adds to a logit may be negative.

    h = ReLU(W x), s_c = w_c^T (tanh(V h) * sigmoid(U h)), score_c = f_c(h) exp(s_c); logit_c is the sum of
    the scores over the tiles divided by the sum of exp(s_c), plus b_c.
    """

    source: ClassVar[str] = (
        "the attribute scores of AttriMIL (Cai et al. 2025, Medical Image Analysis) without its spatial and "
        "ranking losses; additive slide models: Javed et al. (2022), NeurIPS"
    )

    def network(self, dim: int, classes: int) -> "AdditiveNetwork":
        """Return the network."""
        return AdditiveNetwork(dim, classes, classes, self)


class AdditiveNetwork(GatedNetwork):
    """Logits [B, K]: for each class a weighted mean of the votes of the tiles, with weights of its own."""
