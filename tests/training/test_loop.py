"""The loop: it learns, an interrupted training ends with the same weights, a finished one is not repeated."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fewshot_bench.errors import FsbenchError  # noqa: E402
from fewshot_bench.training.checkpoint import load_checkpoint  # noqa: E402
from fewshot_bench.training.loop import train  # noqa: E402
from fewshot_bench.training.schedule import Schedule  # noqa: E402

SCHEDULE = Schedule(epochs=4, steps=5, lr=0.05, warmup=2, ema_decay=0.9)


def silent(stage, done, total, note=""):
    return None


class Line:
    """y = 3x − 1, learnt by least squares."""

    def __init__(self, stop_at=None, scale=1.0):
        self.stop_at, self.scale, self.batches = stop_at, scale, []

    def batch(self, epoch, number):
        x = np.random.default_rng([epoch, number]).normal(size=(16, 1)).astype(np.float32)
        return torch.from_numpy(x)

    def loss(self, network, batch):
        self.batches.append(batch)
        if self.stop_at is not None and len(self.batches) > self.stop_at:
            raise KeyboardInterrupt
        error = (network(batch) - (3 * batch - 1)).square().mean() * self.scale
        return error, {"error": float(error.detach())}

    def validate(self, network):
        assert not network.training
        x = torch.linspace(-1, 1, 9)[:, None]
        return -float((network(x) - (3 * x - 1)).square().mean())


def network():
    made = torch.nn.Linear(1, 1)
    with torch.no_grad():
        made.weight.zero_()
        made.bias.zero_()
    return made


def fit(folder, task=None, schedule=SCHEDULE, progress=silent):
    task = task or Line()
    return train("line", network(), task, schedule, folder, progress, device="cpu", images_per_batch=16)


def weights(path):
    return {k: v.numpy().tobytes() for k, v in load_checkpoint(path).tensors.items()}


def test_it_learns_and_logs_every_epoch(tmp_path):
    notes = []
    best = fit(
        tmp_path, schedule=replace(SCHEDULE, epochs=20), progress=lambda *a, note="": notes.append((*a, note))
    )
    state = load_checkpoint(best)
    assert state.best > -0.5 and set(state.tensors) == {"weight", "bias"}
    with (tmp_path / "log.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    assert [int(line["epoch"]) for line in lines] == list(range(1, 21))
    assert float(lines[-1]["error"]) < float(lines[0]["error"])
    assert notes[-1][:3] == ("train line", 100, 100) and "images/s" in notes[-1][3]


@pytest.mark.parametrize("stop_at", [0, 7, 19])
def test_an_interrupted_training_ends_with_the_same_weights(tmp_path, stop_at):
    whole = fit(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "parts", Line(stop_at=stop_at))
    resumed = fit(tmp_path / "parts")
    assert weights(resumed) == weights(whole)
    assert weights(tmp_path / "parts/last.safetensors") == weights(tmp_path / "whole/last.safetensors")
    without_speed = [
        [
            {k: v for k, v in line.items() if k not in ("images/s", "seconds")}
            for line in csv.DictReader(path.open())
        ]
        for path in (tmp_path / "parts/log.csv", tmp_path / "whole/log.csv")
    ]
    assert without_speed[0] == without_speed[1]


@pytest.mark.parametrize("harm", ["digit", "cut", "removed", "bytes"])
@pytest.mark.parametrize("stop_at", [12, 20])
def test_a_damaged_log_of_a_training_that_is_not_kept_yet_is_one_sentence(tmp_path, harm, stop_at):
    """The log becomes part of records; the checkpoint knows what it said."""
    if stop_at < 20:
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path, Line(stop_at=stop_at))
    else:
        fit(tmp_path)
    log = tmp_path / "log.csv"
    text = log.read_text()
    number = csv.DictReader(text.splitlines()).__next__()["error"]
    if harm == "removed":
        log.unlink()
    elif harm == "bytes":
        log.write_bytes(b"\xff\xfe" + log.read_bytes())
    else:
        log.write_text(text.replace(number, number[:-1]) if harm == "digit" else text[: len(text) // 2])
    with pytest.raises(
        FsbenchError, match=r"The training log .*log\.csv is damaged or missing; remove its folder"
    ):
        fit(tmp_path)


def test_a_log_with_a_line_more_than_the_checkpoint_is_that_of_a_kill(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, Line(stop_at=12))
    log = tmp_path / "log.csv"
    last = log.read_text().splitlines()[-1]
    log.write_text(log.read_text() + last.replace("2", "3", 1) + "\n")
    fit(tmp_path)
    with log.open() as stream:
        assert [int(line["epoch"]) for line in csv.DictReader(stream)] == [1, 2, 3, 4]


def test_a_finished_training_is_not_repeated(tmp_path):
    fit(tmp_path)
    again = Line()
    fit(tmp_path, again)
    assert again.batches == []


def test_training_stops_early_when_validation_no_longer_improves(tmp_path):
    class Worse(Line):
        def validate(self, network):
            return -float(network.weight.detach().abs())

    best = fit(tmp_path, Worse(), replace(SCHEDULE, epochs=50, patience=2))
    assert load_checkpoint(best).epoch == 1
    assert load_checkpoint(tmp_path / "last.safetensors").epoch == 3


def test_accumulated_batches_make_one_step_of_their_mean(tmp_path):
    class Constant(Line):
        def batch(self, epoch, number):
            return super().batch(epoch, number // 2)

    once = fit(tmp_path / "once")
    twice = fit(tmp_path / "twice", Constant(), replace(SCHEDULE, accumulate=2))
    a, b = load_checkpoint(once).tensors, load_checkpoint(twice).tensors
    assert all(torch.allclose(a[key], b[key], atol=1e-6) for key in a)


def test_a_loss_that_explodes_is_one_sentence(tmp_path):
    with pytest.raises(FsbenchError, match="loss of line became .* lower the learning rate"):
        fit(tmp_path, Line(scale=float("inf")))


def test_a_damaged_checkpoint_is_one_sentence(tmp_path):
    fit(tmp_path)
    (tmp_path / "last.safetensors").write_bytes(b"nonsense")
    with pytest.raises(FsbenchError, match="is damaged and cannot be read .* remove its folder"):
        fit(tmp_path)


class Shifted(Line):
    """Pictures of one channel around 5 with deviation 2: what a batch norm has to find out."""

    def batch(self, epoch, number):
        return super().batch(epoch, number) * 2 + 5


def normed():
    """Batch norm and a line behind it, from zero."""
    return torch.nn.Sequential(torch.nn.BatchNorm1d(1), network())


def fit_normed(folder, task=None, **changes):
    task = task or Shifted()
    schedule = replace(SCHEDULE, **{"batch_norm": "trained", **changes})
    made = normed()
    return made, train("norm", made, task, schedule, folder, silent, device="cpu", images_per_batch=16)


def test_frozen_batch_norms_keep_their_statistics_and_trained_ones_follow_the_data(tmp_path):
    _, frozen = fit_normed(tmp_path / "frozen", batch_norm="frozen")
    _, trained = fit_normed(tmp_path / "trained", epochs=20, ema_decay=0.0)
    before, after = load_checkpoint(frozen).tensors, load_checkpoint(trained).tensors
    assert float(before["0.running_mean"]) == 0 and float(before["0.running_var"]) == 1
    state = load_checkpoint(trained)
    assert int(after["0.num_batches_tracked"]) == 5 * state.epoch
    last = load_checkpoint(tmp_path / "trained/last.safetensors").tensors
    assert float(last["network/0.running_mean"]) == pytest.approx(5, abs=0.7)
    assert float(last["network/0.running_var"]) == pytest.approx(4, abs=1.5)


def test_running_statistics_are_averaged_with_the_weights(tmp_path):
    """Of one step after the other: a ← d·a + (1 − d)·w with d = min(0.9, (1 + t) / (10 + t))."""
    fit_normed(tmp_path, epochs=1)
    reference, task = normed().train(), Shifted()
    average = {k: v.clone() for k, v in reference.state_dict().items()}
    optimizer = torch.optim.AdamW(reference.parameters(), weight_decay=SCHEDULE.weight_decay)
    schedule = replace(SCHEDULE, epochs=1)
    for step in range(5):
        optimizer.param_groups[0]["lr"] = schedule.rate(step)
        optimizer.zero_grad()
        task.loss(reference, task.batch(0, step))[0].backward()
        torch.nn.utils.clip_grad_norm_(reference.parameters(), 5.0)
        optimizer.step()
        d = min(0.9, (1 + step) / (10 + step))
        for key, value in reference.state_dict().items():
            average[key] = d * average[key] + (1 - d) * value if value.is_floating_point() else value.clone()
    found = load_checkpoint(tmp_path / "best.safetensors").tensors
    for key, value in average.items():
        torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-6)
    assert 0.1 < float(found["0.running_mean"]) < 5


@pytest.mark.parametrize("stop_at", [3, 12])
def test_an_interrupted_training_with_batch_norms_ends_with_the_same_weights(tmp_path, stop_at):
    _, whole = fit_normed(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit_normed(tmp_path / "parts", Shifted(stop_at=stop_at))
    _, resumed = fit_normed(tmp_path / "parts")
    assert weights(resumed) == weights(whole)
    assert weights(tmp_path / "parts/last.safetensors") == weights(tmp_path / "whole/last.safetensors")


def test_without_a_folder_the_network_ends_with_the_best_weights(tmp_path):
    class Once(Shifted):
        """The second epoch is the best."""

        validations = 0

        def validate(self, network):
            self.validations += 1
            return float(self.validations == 2)

    made, nothing = fit_normed(None, Once())
    _, best = fit_normed(tmp_path, Once())
    assert nothing is None and not made.training
    stored = load_checkpoint(best)
    assert stored.epoch == 2
    for key, value in made.state_dict().items():
        assert torch.equal(value, stored.tensors[key])


def test_without_a_validation_the_last_weights_are_kept(tmp_path):
    class Unchecked(Line):
        def validate(self, network):
            return None

    best = fit(tmp_path, Unchecked(), replace(SCHEDULE, patience=1))
    assert load_checkpoint(best).epoch == 4
    last = load_checkpoint(tmp_path / "last.safetensors")
    assert last.finished and last.best is None
    assert torch.equal(load_checkpoint(best).tensors["weight"], last.tensors["average/weight"])
    with (tmp_path / "log.csv").open() as stream:
        assert "validation" not in next(csv.reader(stream))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_an_optimiser_too_and_resumes(tmp_path, momentum):
    schedule = replace(SCHEDULE, optimiser="sgd", momentum=momentum, nesterov=momentum > 0, weight_decay=1e-3)
    whole = fit(tmp_path / "whole", schedule=schedule)
    assert weights(whole) != weights(fit(tmp_path / "adamw"))
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "parts", Line(stop_at=12), schedule)
    assert weights(fit(tmp_path / "parts", schedule=schedule)) == weights(whole)
    reference, task = network(), Line()
    optimizer = torch.optim.SGD(
        reference.parameters(), momentum=momentum, nesterov=momentum > 0, weight_decay=1e-3, lr=1.0
    )
    for step in range(20):
        optimizer.param_groups[0]["lr"] = schedule.rate(step)
        optimizer.zero_grad()
        task.loss(reference, task.batch(step // 5, step % 5))[0].backward()
        torch.nn.utils.clip_grad_norm_(reference.parameters(), 5.0)
        optimizer.step()
    found = load_checkpoint(tmp_path / "whole" / "last.safetensors").tensors
    torch.testing.assert_close(found["network/weight"], reference.weight.detach())


def test_bf16_is_that_of_the_schedule_and_auto_is_by_the_device():
    assert Schedule(1, 1, 1.0).precision_on("cpu") == "float32"
    assert Schedule(1, 1, 1.0).precision_on("cuda:1") == "bf16"
    assert Schedule(1, 1, 1.0, precision="bf16").precision_on("cpu") == "bf16"
