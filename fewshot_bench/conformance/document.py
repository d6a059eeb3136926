"""The page of all checks, from their declarations: ``python -m fewshot_bench.conformance.document`` prints it."""

from __future__ import annotations

from fewshot_bench.conformance.checks import CHECKS, FAMILIES

HEAD = """# What `fsbench check` tries

`fsbench check METHOD` tries {count} checks on a few episodes of a small data set, and exits with 1 where one
fails. Each has an id: `fsbench check --list` shows them all, and `--only ID` tries one. This page is made from
their declarations by `python -m fewshot_bench.conformance.document`, and a test holds it to them.

A check ends in one of five ways: it `holds`, it `fails`, it is `skipped` where it does not apply, it is
`expected` to fail, or it is `unexpected`: it holds although the method says that it fails. A method that is
known to fail a check says so, with a reason:

```python
class PTMap(EmbeddingMethod):
    transductive = True
    expected_failures = {{"query-balance": "takes each class to have equally many queries, as its paper does"}}
```

A plugin's own tests have each check as a test of its own, where a declared failure is an `xfail`:

```python
from fewshot_bench.testing import parametrize_with_checks


@parametrize_with_checks("my-method", episodes=2)
def test_my_method_keeps_its_contract(check):
    check()
```

Scores are equal when they differ by at most 0.1 % of the range of their episode's scores, which is more than
sums in another order change. Checks run in one process with the method, on a small data set: they find mistakes
and what would raise a number by mistake or on purpose, and they cannot find a program that was written against
them. [museum.md](museum.md) says which these are, and what a run in a process of its own does about them.

"""


def page() -> str:
    """Returns the text of ``docs/checks.md``."""
    lines = [HEAD.format(count=len(CHECKS)).rstrip()]
    for family, checks in FAMILIES.items():
        lines += ["", f"## {family}"]
        for check in checks:
            lines += ["", f"**`{check.id}`**: {check.title}.", check.explanation]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
