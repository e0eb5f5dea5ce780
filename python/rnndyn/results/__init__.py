"""What all results have in common: files, looks, exports, and how they were made."""

from rnndyn.results.base import SavedResult, TabularResult
from rnndyn.results.export import LabelledArrays, columns_of, dictionary_of, labelled_of
from rnndyn.results.files import ResultFormat
from rnndyn.results.loading import load_result
from rnndyn.results.run import Run
from rnndyn.results.table import Table, table_of

__all__ = [
    "LabelledArrays",
    "ResultFormat",
    "Run",
    "SavedResult",
    "Table",
    "TabularResult",
    "columns_of",
    "dictionary_of",
    "labelled_of",
    "load_result",
    "table_of",
]
