"""``ImageIndex`` and the machinery below it: decoding, facts of files, snapshots, groups, look-alikes."""

from fewshot_bench.data.index import ImageIndex

__all__ = ["ImageIndex"]
