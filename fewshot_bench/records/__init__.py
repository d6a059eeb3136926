"""Records: schema 2, its files, and the migration of older ones. No torch here."""

from fewshot_bench.errors import printable
from fewshot_bench.records.arrays import Arrays, canonical
from fewshot_bench.records.names import record_path
from fewshot_bench.records.record import SCHEMA_VERSION, Record, Score
from fewshot_bench.records.store import read, read_all, read_each, read_sound, save

__all__ = [
    "SCHEMA_VERSION",
    "Arrays",
    "Record",
    "Score",
    "canonical",
    "printable",
    "read",
    "read_all",
    "read_each",
    "read_sound",
    "record_path",
    "save",
]
