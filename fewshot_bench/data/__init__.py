"""Data sets: what adapters build (``ImageIndex``), how it is found, and the adapters of any folder or CSV."""

from fewshot_bench.data.csv_file import CsvFile
from fewshot_bench.data.folder import Folder
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.locate import load_dataset, locate
from fewshot_bench.data.source import Card, DatasetSource

__all__ = ["Card", "CsvFile", "DatasetSource", "Folder", "ImageIndex", "load_dataset", "locate"]
