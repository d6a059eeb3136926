"""The leaderboard as LaTeX: a booktabs table for each set of episodes, the best and its ties bold."""

from __future__ import annotations

from collections.abc import Sequence

from fewshot_bench.report.leaderboard import Standing, Table, cells
from fewshot_bench.report.scores import percent

SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "–": "--",
    "…": r"\dots{}", "−": "$-$", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}  # fmt: skip

CAPTION = (
    r"Mean with its 95\,\% interval over episodes, and the 95\,\% interval for new classes; the best, and what cannot "
    "be told from it, in bold."
)


def escape(text: str) -> str:
    """Returns text in which no character has a meaning for LaTeX."""
    return "".join(SPECIAL.get(mark, mark) for mark in text)


def latex(made: Sequence[Table]) -> str:
    """Returns all tables; the preamble needs the packages booktabs and, for pdfLaTeX, fontenc with T1."""
    return "% \\usepackage[T1]{fontenc} \\usepackage{booktabs}\n" + "\n".join(map(block, made))


def block(table: Table) -> str:
    """Returns one table with its caption."""
    headline = table.standings[0].headline[0]
    lines = [
        r"\begin{table}",
        f"\\caption{{{escape(table.title)}. {CAPTION}}}",
        r"\centering",
        r"\begin{tabular}{rlrlr}",
        r"\toprule",
        f"rank & method & \\multicolumn{{2}}{{l}}{{{escape(headline)} (\\%)}} & new classes \\\\",
        r"\midrule",
        *map(row, table.standings),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def row(standing: Standing) -> str:
    """Returns one line of a table."""
    name, score = standing.headline
    texts = cells(standing)
    mean = percent(score.mean)
    spread = texts[f"{name} %"].removeprefix(mean).strip()
    bold = f"\\textbf{{{mean}}}" if standing.ranks[0] == 1 else mean
    parts = (
        escape(texts["rank"]),
        escape(standing.label),
        bold,
        escape(spread),
        escape(texts[f"{name}: classes"]),
    )
    return " & ".join(parts) + r" \\"
