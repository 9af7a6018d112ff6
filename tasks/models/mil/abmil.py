"""Attention pooling with gates: the standard slide model of the field."""

from typing import ClassVar

from tasks.models.mil._gated import GatedModel, GatedNetwork


class Abmil(GatedModel):
    """Tiles are embedded, a gated network gives each a weight, and a linear head reads the weighted mean.

    h = ReLU(W x), s = w^T (tanh(V h) * sigmoid(U h)), weights exp(s), votes C h.
    """

    source: ClassVar[str] = (
        "Ilse, Tomczak and Welling (2018), arXiv:1802.04712, gated attention; widths and dropout after "
        "common practice"
    )

    def network(self, dim: int, classes: int) -> "AbmilNetwork":
        """Return the network."""
        return AbmilNetwork(dim, classes, 1, self)


class AbmilNetwork(GatedNetwork):
    """Logits [B, K] = head(attention-weighted mean of the embedded tiles): one weight per tile."""
