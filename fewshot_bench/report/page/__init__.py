"""The leaderboard as one HTML file that needs nothing beside it: no network, no server."""

from fewshot_bench.report.page.render import page

__all__ = ["page"]
