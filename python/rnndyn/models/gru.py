"""The gated recurrent unit of torch.nn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from numpy.typing import ArrayLike

from rnndyn._common.checks import check_flag
from rnndyn.models._families import register_family
from rnndyn.models._recurrent import RecurrentNetwork


@register_family
class GRU(RecurrentNetwork):
    """Gated recurrent unit network, as ``torch.nn.GRU`` defines it, or as first published.

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
    reset_after : bool
        Where the reset gate r acts. True, as in torch and by default in Keras since TensorFlow 2:
        after the recurrent weights, ``r * (W_hn h + b_hn)`` as above. False, as in the publication,
        in TensorFlow 1 and in Keras with ``reset_after=False``: before them,
        ``W_hn (r * h) + b_hn``.

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
    The state is the h of all layers, layer by layer: N = L n. Where the reset gate acts after the
    recurrent weights it acts on their bias, too, which therefore does not merge with the other one.
    How to take the weights of a Keras network is in the documentation ("Load a network").

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

    The reset gate before the recurrent weights:

    >>> rd.GRU(None, [[0.5], [0.0], [2.0]], reset_after=False).step([1.0]).round(4)
    array([0.9234])
    """

    _n_gates = 3
    _option_names: ClassVar[tuple[str, ...]] = ("reset_after",)

    def __init__(
        self,
        weight_ih: ArrayLike | Sequence[ArrayLike | None] | None,
        weight_hh: ArrayLike | Sequence[ArrayLike],
        bias_ih: ArrayLike | Sequence[ArrayLike] | None = None,
        bias_hh: ArrayLike | Sequence[ArrayLike] | None = None,
        *,
        reset_after: bool = True,
    ) -> None:
        # The usual one is no option, so that files, prints and equality are what they were.
        options = {} if check_flag("reset_after", reset_after) else {"reset_after": False}
        super().__init__(weight_ih, weight_hh, bias_ih, bias_hh, **options)

    @property
    def reset_after(self) -> bool:
        """Whether the reset gate acts after the recurrent weights."""
        return bool(self._options.get("reset_after", True))

    def _kind(self) -> str:
        return "gru"
