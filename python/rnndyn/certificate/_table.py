"""How a certificate looks in a terminal and in a notebook."""

from rnndyn.certificate.result import Certificate
from rnndyn.results.table import Table, table_of


@table_of.register
def _table(certificate: Certificate) -> Table:
    parts = [part.line for part in certificate.parts if part.complete]
    notes = [f"  {line}" for line in [*certificate.summary(), *parts]]
    return Table(f"Certificate: {certificate.status}", notes=notes)
