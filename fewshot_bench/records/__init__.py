"""Records: schema v1, atomic store, migration. No torch here."""

from fewshot_bench.records.record import SCHEMA_VERSION, Arrays, Record, Score
from fewshot_bench.records.store import read, read_all, record_path, save

__all__ = [
    "SCHEMA_VERSION",
    "Arrays",
    "Record",
    "Score",
    "read",
    "read_all",
    "record_path",
    "save",
]
