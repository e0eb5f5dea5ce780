"""The long short-term memory of torch.nn."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from rnndyn.models._families import register_family
from rnndyn.models._recurrent import RecurrentNetwork


@register_family
class LSTM(RecurrentNetwork):
    """Long short-term memory network, as ``torch.nn.LSTM`` defines it.

    In every layer, with x the external input in layer 0 and the new h of the layer below in the
    others, s the logistic function and * the product of entries::

        i = s(W_ii x + b_ii + W_hi h + b_hi)
        f = s(W_if x + b_if + W_hf h + b_hf)
        g = tanh(W_ig x + b_ig + W_hg h + b_hg)
        o = s(W_io x + b_io + W_ho h + b_ho)
        c' = f * c + i * g
        h' = o * tanh(c')

    Parameters
    ----------
    weight_ih : (4 n, K) array_like, or list of arrays
        W_ii, W_if, W_ig and W_io, one above the other; for further layers (4 n, n). An array is a
        network of one layer, a list has one entry per layer. None, also as first entry of a list,
        is a network without external input.
    weight_hh : (4 n, n) array_like, or list of arrays
        W_hi, W_hf, W_hg and W_ho, one above the other.
    bias_ih, bias_hh : (4 n,) array_like, or list of arrays, optional
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
    rnndyn.from_torch : Take the weights of a ``torch.nn.LSTM``.

    Notes
    -----
    The state is h and c of all layers, layer by layer, h before c: N = 2 L n. `join_states` and
    `split_states` convert from and to the layout of torch. Projections (``proj_size`` in torch) are
    not part of it.

    References
    ----------
    S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997) 1735-1780.
    F. A. Gers, J. Schmidhuber, F. Cummins, "Learning to forget: continual prediction with LSTM",
    Neural Computation 12 (2000) 2451-2471 (the forget gate f).

    Examples
    --------
    >>> import rnndyn as rd
    >>> zeros = [[0.0], [0.0], [0.0], [0.0]]
    >>> network = rd.LSTM(weight_ih=zeros, weight_hh=zeros)
    >>> network
    LSTM(n_inputs=1, hidden_size=1, n_layers=1)
    >>> network.step([0.0, 1.0], [0.0]).round(4)
    array([0.2311, 0.5   ])
    """

    _n_gates = 4
    _states_per_unit = 2

    def __init__(
        self,
        weight_ih: ArrayLike | Sequence[ArrayLike | None] | None,
        weight_hh: ArrayLike | Sequence[ArrayLike],
        bias_ih: ArrayLike | Sequence[ArrayLike] | None = None,
        bias_hh: ArrayLike | Sequence[ArrayLike] | None = None,
    ) -> None:
        super().__init__(weight_ih, weight_hh, bias_ih, bias_hh)

    def _kind(self) -> str:
        return "lstm"
