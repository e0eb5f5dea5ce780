"""The gated recurrent unit of torch.nn."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from rnndyn.models._families import register_family
from rnndyn.models._recurrent import RecurrentNetwork


@register_family
class GRU(RecurrentNetwork):
    """Gated recurrent unit network, as ``torch.nn.GRU`` defines it.

    In every layer, with x the external input in layer 0 and the new h of the layer below in the
    others, s the logistic function and * the product of entries::

        r = s(W_ir x + b_ir + W_hr h + b_hr)
        z = s(W_iz x + b_iz + W_hz h + b_hz)
        m = tanh(W_in x + b_in + r * (W_hn h + b_hn))
        h' = (1 - z) * m + z * h

    Parameters
    ----------
    weight_ih : (3 n, K) array_like, or list of arrays
        W_ir, W_iz and W_in, one above the other; for further layers (3 n, n). An array is a network
        of one layer, a list has one entry per layer. None, also as first entry of a list, is a
        network without external input.
    weight_hh : (3 n, n) array_like, or list of arrays
        W_hr, W_hz and W_hn, one above the other.
    bias_ih, bias_hh : (3 n,) array_like, or list of arrays, optional
        Biases in the same order. Default: none, which is ``bias=False`` in torch.

    Raises
    ------
    ValueError
        If a shape does not fit or a value is not finite; the message names the argument by
        torch's name, such as ``weight_hh_l0`` for layer 0.
    TypeError
        If a value is not a real number.

    See Also
    --------
    rnndyn.from_torch : Take the weights of a ``torch.nn.GRU``.

    Notes
    -----
    The state is the h of all layers, layer by layer: N = L n. As in torch, and unlike in the first
    publication, the reset gate r multiplies after the recurrent weights and their bias, which
    therefore does not merge with the other bias.

    References
    ----------
    K. Cho, B. van Merriënboer, C. Gulcehre, D. Bahdanau, F. Bougares, H. Schwenk, Y. Bengio,
    "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation", EMNLP 2014.

    Examples
    --------
    >>> import rnndyn as rd
    >>> network = rd.GRU(weight_ih=[[0.0], [0.0], [1.0]], weight_hh=[[0.0], [0.0], [0.0]])
    >>> network
    GRU(n_inputs=1, hidden_size=1, n_layers=1)
    >>> network.step([0.5], [0.0])
    array([0.25])
    """

    _n_gates = 3

    def __init__(
        self,
        weight_ih: ArrayLike | Sequence[ArrayLike | None] | None,
        weight_hh: ArrayLike | Sequence[ArrayLike],
        bias_ih: ArrayLike | Sequence[ArrayLike] | None = None,
        bias_hh: ArrayLike | Sequence[ArrayLike] | None = None,
    ) -> None:
        super().__init__(weight_ih, weight_hh, bias_ih, bias_hh)

    def _kind(self) -> str:
        return "gru"
