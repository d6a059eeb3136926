# ruff: noqa: I001
from fewshot_bench.errors import FsbenchError as FsbenchError
from fewshot_bench.errors import UsageError as UsageError
from fewshot_bench.functions import check as check
from fewshot_bench.functions import compare as compare
from fewshot_bench.functions import dataset as dataset
from fewshot_bench.functions import leaderboard as leaderboard
from fewshot_bench.functions import predict as predict
from fewshot_bench.functions import run as run
from fewshot_bench.functions import sample as sample
from fewshot_bench.records import Record as Record
