"""All kinds of results, with how they look and what they export."""

from rnndyn import (  # noqa: F401
    _basins_export,
    _basins_table,
    _certificate_export,
    _certificate_table,
    _cycle_export,
    _cycle_table,
    _lyapunov_export,
    _lyapunov_table,
    _scan_export,
    _scan_table,
)
from rnndyn.bifurcation import (  # noqa: F401
    _export,
    _stability_export,
    _stability_table,
    _table,
    _timeline_export,
    _timeline_table,
)
