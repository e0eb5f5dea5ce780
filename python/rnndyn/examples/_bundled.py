"""All bundled networks by name."""

from rnndyn.examples import _published, _random_networks
from rnndyn.examples._published import PublishedSystem
from rnndyn.examples._random_networks import RandomNetwork
from rnndyn.models import PiecewiseLinearModel


def names() -> tuple[str, ...]:
    """Return the names of the bundled networks: first the published ones, then the random ones.

    Examples
    --------
    >>> import rnndyn as rd
    >>> rd.examples.names()[:2], rd.examples.names()[-1]
    (('plrnn_2d_1', 'plrnn_2d_16'), 'shallow_m3_h50')
    """
    return _published.names() + _random_networks.names()


def load(name: str) -> PiecewiseLinearModel:
    """Return a bundled network.

    Parameters
    ----------
    name : str
        One of `names`, or a beginning that only one of them has; ``-`` counts as ``_``.

    Returns
    -------
    model

    Raises
    ------
    ValueError
        If no name or more than one begins like this; the message lists the choices.

    Examples
    --------
    >>> import rnndyn as rd
    >>> rd.examples.load("plrnn-10d")
    PLRNN(n_states=10, n_units=10)
    """
    full_name = _full_name(name)
    if full_name in _published.names():
        return _published.load(full_name)
    return _random_networks.load(full_name)


def info(name: str) -> PublishedSystem | RandomNetwork:
    """Return what is known of a bundled network.

    Parameters
    ----------
    name : str
        As for `load`.

    Returns
    -------
    PublishedSystem or RandomNetwork
        Of a published network the number of cycles at one order; of a random one all orders that
        were searched completely, with the number of cycles in a box.

    Raises
    ------
    ValueError
        As for `load`.

    Examples
    --------
    >>> import rnndyn as rd
    >>> known = rd.examples.info("plrnn-10d")
    >>> known.order, known.expected_cycles, known.source
    (10, 2, 'DurstewitzLab/SCYFI test/convPLRNN_tests.jl')
    >>> known = rd.examples.info("uniform-m20-strong")
    >>> known.complete_counts, known.box
    ({1: 7}, 1000.0)
    """
    full_name = _full_name(name)
    if full_name in _published.names():
        return _published.info(full_name)
    return _random_networks.info(full_name)


def _full_name(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, got {name!r:.60}")
    wanted = name.strip().lower().replace("-", "_")
    if wanted in names():
        return wanted
    matches = [known for known in names() if known.startswith(wanted)] if wanted else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ValueError(f"name {name!r} could be any of {', '.join(matches)}")
    raise ValueError(f"there is no example {name!r:.60}; choose one of {', '.join(names())}")
