"""Perceptrons of many episodes against torch.nn, one at a time, and against scikit-learn's accuracy."""

import subprocess
import sys
import warnings
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.heads.batches import batches
from fewshot_bench.heads.gather import inner_products
from fewshot_bench.heads.inputs import Axes, Features, inputs_of
from fewshot_bench.heads.mlp import Perceptron
from fewshot_bench.heads.network import Networks, initial, loss, train


def clusters(ways, images, width, spread=1.0, seed=0):
    """Class-major float32 [ways · images, width] around class centres."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(ways, 1, width))
    return (centres + spread * rng.normal(size=(ways, images, width))).reshape(-1, width).astype(np.float32)


def drawn(episodes, classes, images, ways, shots, queries, seed=0):
    """Episodes over a class-major table, and the classes of their queries ``[E, Q]``."""
    rng = np.random.default_rng(seed)
    chosen = rng.random((episodes, classes)).argsort(1)[:, :ways]
    rows = (
        chosen[..., None] * images + rng.random((episodes, ways, images)).argsort(2)[..., : shots + queries]
    )
    labels = np.broadcast_to(np.arange(ways).repeat(queries), (episodes, ways * queries))
    return Tasks(rows[..., :shots].copy(), rows[..., shots:].reshape(episodes, -1).copy()), labels


def inputs(x, support, gram=False):
    """The inputs of episodes ``support [E, S]`` of a table."""
    tasks = Tasks(support[:, None], support[:, :1])
    return inputs_of(inner_products(torch.from_numpy(x), tasks, gram=gram), torch.from_numpy(support))


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def sequential(networks, episode):
    """The same network as torch.nn builds it."""
    layers = []
    for weight, bias in zip(networks.weights, networks.biases, strict=True):
        layer = torch.nn.Linear(*weight.shape[1:])
        layer.weight.data, layer.bias.data = weight[episode].T.clone(), bias[episode, 0].clone()
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def random_networks(widths, episodes, seed=0):
    """No layer begins at 0, so that every gradient has something to say."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator) / shape[1] ** 0.5

    pairs = list(pairwise(widths))
    return Networks(
        [normal(episodes, a, b) for a, b in pairs], [normal(episodes, 1, b) * 0.1 for _, b in pairs]
    )


def test_logits_and_gradients_equal_torch_nn():
    networks, generator = random_networks([7, 5, 4, 3], 3), torch.Generator().manual_seed(1)
    x, label = torch.randn(3, 6, 7, generator=generator), torch.randint(0, 3, (3, 6), generator=generator)
    for parameter in (*networks.weights, *networks.biases):
        parameter.requires_grad_()
    loss(networks, x, label, torch.full((3, 6), 1 / 6), torch.zeros(3, 1, 3)).sum().backward()
    for e in range(3):
        peer = sequential(networks, e)
        torch.testing.assert_close(networks.logits(x)[e], peer(x[e]))
        torch.nn.functional.cross_entropy(peer(x[e]), label[e]).backward()
        for layer, (weight, bias) in enumerate(zip(networks.weights, networks.biases, strict=True)):
            torch.testing.assert_close(weight.grad[e], peer[2 * layer].weight.grad.T, atol=1e-6, rtol=1e-5)
            torch.testing.assert_close(bias.grad[e, 0], peer[2 * layer].bias.grad, atol=1e-6, rtol=1e-5)


def test_steps_equal_adam_on_torch_nn():
    networks, generator = random_networks([7, 5, 3], 2), torch.Generator().manual_seed(1)
    x, label = torch.randn(2, 6, 7, generator=generator), torch.randint(0, 3, (2, 6), generator=generator)
    peers = [sequential(networks, e) for e in range(2)]
    batch = (x, label, torch.full((2, 6), 1 / 6))
    last = train(networks, [batch] * 10, torch.zeros(2, 1, 3), 1e-2)
    for e, peer in enumerate(peers):
        optimizer = torch.optim.Adam(peer.parameters(), lr=1e-2)
        for _ in range(10):
            cost = torch.nn.functional.cross_entropy(peer(x[e]), label[e])
            optimizer.zero_grad()
            cost.backward()
            optimizer.step()
        assert float(last[e]) == pytest.approx(float(cost.detach()), abs=1e-5)
        torch.testing.assert_close(networks.weights[0][e], peer[0].weight.data.T, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(networks.weights[1][e], peer[2].weight.data.T, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("gram", [False, True])
def test_a_network_on_principal_axes_is_one_on_the_embedding(gram):
    """Its first weights times the axes: equal outputs for the support, and equal gradients in the axes."""
    x = clusters(4, 5, 30) + 3
    support, queries = np.arange(12)[None], np.arange(12, 20)
    axes = inputs(x, support, gram)
    assert isinstance(axes, Axes) and axes.used == [11]
    mean = x[:12].astype(np.float64).mean(0)
    unit = np.sqrt(((x[:12] - mean) ** 2).mean())
    centred = torch.from_numpy((x - mean) / unit)
    found = axes.take(torch.arange(12)[None])[0].double()
    basis = torch.linalg.lstsq(found[:, :11], centred[:12]).solution  # [11, D]: rows of length 1
    torch.testing.assert_close(basis @ basis.T, torch.eye(11, dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        axes.queries(torch.from_numpy(queries)[None])[0, :, :11].double(),
        centred[12:] @ basis.T,
        atol=1e-5,
        rtol=0,
    )
    label = torch.arange(12) % 3
    small = sequential(random_networks([11, 6, 3], 1), 0).double()
    whole = sequential(random_networks([30, 6, 3], 1), 0).double()
    whole[0].weight.data = small[0].weight.data @ basis
    whole[0].bias.data, whole[2].weight.data, whole[2].bias.data = (
        small[0].bias.data, small[2].weight.data, small[2].bias.data,
    )  # fmt: skip
    for network, x_in in ((small, found[:, :11]), (whole, centred[:12])):
        torch.nn.functional.cross_entropy(network(x_in), label).backward()
    torch.testing.assert_close(small(found[:, :11]), whole(centred[:12]), atol=1e-5, rtol=0)
    torch.testing.assert_close(small[0].weight.grad, whole[0].weight.grad @ basis.T, atol=1e-5, rtol=0)


@settings(max_examples=60, deadline=None)
@given(
    samples=st.integers(1, 12),
    padding=st.integers(0, 3),
    width=st.integers(1, 20),
    duplicates=st.integers(0, 4),
    far=st.sampled_from([0.0, 30.0]),
    seed=st.integers(0, 10**6),
)
@example(samples=3, padding=0, width=7, duplicates=2, far=30.0, seed=0)
def test_inputs_keep_every_distance_and_their_mean_square_is_1_a_number(
    samples, padding, width, duplicates, far, seed
):
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(20, width)) + far).astype(np.float32)
    for _ in range(duplicates):
        x[rng.integers(samples)] = x[rng.integers(samples)]
    support = np.concatenate([np.arange(samples), np.full(padding, -1)])[None]
    read = inputs(x, support)
    found = read.take(torch.arange(samples)[None])[0].double().numpy()
    exact = x[:samples].astype(np.float64)
    spread = np.linalg.norm(exact - exact.mean(0))
    assert not found[:, read.used[0] :].any()
    if spread < 1e-9:
        np.testing.assert_allclose(found, 0, atol=1e-4)
        return
    np.testing.assert_allclose((found**2).sum(), samples * width, rtol=1e-3)
    scale = spread / np.linalg.norm(found)
    between = np.linalg.norm(found[:, None] - found[None], axis=2) * scale
    wanted = np.linalg.norm(exact[:, None] - exact[None], axis=2)
    np.testing.assert_allclose(between, wanted, atol=2e-4 * max(1, spread) * max(1, far))


def test_an_embedding_of_fewer_numbers_than_images_is_read_as_it_is():
    x = clusters(4, 5, 6)
    read = inputs(x, np.concatenate([np.arange(12), [-1, -1]])[None])
    assert isinstance(read, Features) and read.width == 6
    centred = x - x[:12].mean(0)
    wanted = centred / np.sqrt((centred[:12] ** 2).mean())
    torch.testing.assert_close(read.queries(torch.arange(20)[None])[0], torch.from_numpy(wanted))


@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(1, 23), min_size=1, max_size=4), size=st.integers(1, 8))
def test_every_pass_shows_every_image_of_an_episode_once(counts, size):
    most = max(counts)
    passes = -(-most // size)
    if any(-(-count // size) != passes for count in counts):
        counts = [most]
    x = np.random.default_rng(0).normal(size=(most, 3)).astype(np.float32)
    support = np.stack([np.where(np.arange(most) < c, np.arange(most), -1) for c in counts])
    read = inputs(x, support)
    stream = batches(
        read,
        torch.arange(most).expand(len(counts), -1),
        counts,
        generators(*range(len(counts))),
        size,
    )
    for _ in range(2):
        seen = [[] for _ in counts]
        for image, label, weight in islice(stream, passes):
            torch.testing.assert_close(image, read.take(label))
            torch.testing.assert_close(weight.sum(1), torch.ones(len(counts)))
            for e in range(len(counts)):
                seen[e] += label[e][weight[e] > 0].tolist()
        assert [sorted(s) for s in seen] == [list(range(c)) for c in counts]


@pytest.mark.slow
@pytest.mark.parametrize(("hidden", "shots", "batch"), [((64,), 5, 200), ((64, 32), 5, 200), ((64,), 10, 20)])
def test_accuracy_is_scikit_learn_s_or_better(hidden, shots, batch):
    """Its last layer begins at random, which costs a small network some accuracy on a few images."""
    x = clusters(12, 20, 40, spread=2.0)
    tasks, labels = drawn(24, 12, 20, 5, shots, 10)
    head = Perceptron(hidden, lr=3e-3, batch=batch)
    scores, report = head.scores(torch.from_numpy(x), tasks)
    found = (scores.numpy().argmax(2) == labels).mean(1)
    peers = []
    for e in range(24):
        support = x[tasks.support[e].ravel()]
        mean = support.mean(0)
        unit = np.sqrt(((support - mean) ** 2).mean())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            peer = MLPClassifier(
                hidden, learning_rate_init=3e-3, batch_size=min(batch, 5 * shots), random_state=0,
                max_iter=report["steps"] // -(-5 * shots // batch), tol=0, n_iter_no_change=10**6,
            ).fit((support - mean) / unit, np.arange(5).repeat(shots))  # fmt: skip
        peers.append((peer.predict((x[tasks.query[e]] - mean) / unit) == labels[e]).mean())
    difference = found - np.array(peers)
    assert 0.5 < found.mean() < 0.99
    error = difference.std(ddof=1) / 24**0.5
    assert -3 * error < difference.mean() < 0.05 + 3 * error


@pytest.fixture(scope="module")
def table():
    return torch.from_numpy(clusters(12, 10, 40, spread=2.0))


@pytest.mark.slow
@pytest.mark.parametrize("batch", [200, 7])
@pytest.mark.parametrize("width", [40, 8])
def test_the_same_alone_or_among_others_and_in_any_table(with_memory, table, batch, width):
    head, table = Perceptron((12,), batch=batch, epochs=3, min_steps=50), table[:, :width].contiguous()
    tasks, _ = drawn(19, 12, 10, 5, 2, 3)
    whole, report = head.scores(table, tasks)
    again, same = head.scores(table, tasks)
    assert torch.equal(whole, again) and report == same
    for e in (0, 4, 18):
        alone = head.scores(table, tasks[e : e + 1])[0][0]
        torch.testing.assert_close(alone, whole[e], atol=1e-5, rtol=0)
    order = np.random.default_rng(0).permutation(len(table))
    place = order.argsort()
    moved = Tasks(place[tasks.support], place[tasks.query])
    torch.testing.assert_close(head.scores(table[order], moved)[0], whole, atol=1e-5, rtol=0)
    with_memory(20_000)
    torch.testing.assert_close(head.scores(table, tasks)[0], whole, atol=1e-5, rtol=0)
    other = Perceptron((12,), batch=batch, epochs=3, min_steps=50, seed=1).scores(table, tasks)[0]
    assert (other - whole).abs().max() > 0.01


@pytest.mark.parametrize("batch", [200, 7])
def test_classes_and_images_in_another_order_give_the_probabilities_in_that_order(table, batch):
    head = Perceptron((12,), batch=batch, epochs=3, min_steps=30)
    tasks, _ = drawn(6, 12, 10, 5, 2, 3)
    order = np.random.default_rng(1).permutation(5)
    plain = head.scores(table, tasks)[0]
    turned = head.scores(table, Tasks(tasks.support[:, order, ::-1], tasks.query))[0]
    torch.testing.assert_close(turned, plain[..., order], atol=1e-4, rtol=0)


@pytest.mark.parametrize("batch", [200, 4])
@pytest.mark.parametrize("width", [40, 8])
def test_ragged_episodes_and_padding_change_nothing(table, pad, batch, width):
    head, table = Perceptron((12,), batch=batch, epochs=3, min_steps=20), table[:, :width].contiguous()
    tasks, _ = drawn(4, 12, 10, 4, 3, 3)
    tasks.support[1, 2:] = -1
    tasks.support[2, 1, 1:] = -1
    tasks.support[3, :, 1:] = -1
    scores = head.scores(table, pad(tasks, 2, 1, 3))[0]
    assert (scores[:, :, 4:] == -np.inf).all() and (scores[1, :, 2:] == -np.inf).all()
    for e in range(4):
        ways = int((tasks.support[e] >= 0).any(1).sum())
        alone = head.scores(table, Tasks(tasks.support[e : e + 1, :ways], tasks.query[e : e + 1]))[0]
        torch.testing.assert_close(scores[e, :12, :ways], alone[0], atol=1e-4, rtol=0)
        torch.testing.assert_close(scores[e, :12, :ways].sum(1), torch.ones(12, dtype=torch.float64))


def test_one_class_is_certain_and_identical_embeddings_are_undecided():
    tasks = Tasks(np.arange(6).reshape(1, 3, 2), np.array([[6, 7]]))
    head = Perceptron((4,), min_steps=20)
    np.testing.assert_allclose(head.scores(torch.ones(8, 5), tasks)[0], 1 / 3, atol=1e-6)
    alone = Tasks(np.array([[[0, 1], [-1, -1]]]), np.array([[6]]))
    np.testing.assert_allclose(head.scores(torch.ones(8, 5), alone)[0][0, 0], [1, -np.inf])


def test_weights_before_training_are_he_s_and_the_last_layer_is_zero():
    first = initial([300, 10], 300, 2 / 1000, (400, 50), 7, generators(1, 2), torch.device("cpu"))
    assert first.weights[0][0].var().item() == pytest.approx(2 / 1000, rel=0.05)
    assert first.weights[0][1, :10].var().item() == pytest.approx(2 / 1000, rel=0.1)
    assert not first.weights[0][1, 10:].any() and not first.weights[2].any()
    assert first.weights[1].var().item() == pytest.approx(2 / 400, rel=0.05)
    assert [b.shape for b in first.biases] == [(2, 1, 400), (2, 1, 50), (2, 1, 7)]


def test_a_training_that_diverges_is_an_error_with_its_rate(table):
    tasks, _ = drawn(2, 12, 10, 5, 2, 3)
    with pytest.raises(FsbenchError, match=r"diverged at a learning rate of 1e\+30"):
        Perceptron((12,), lr=1e30).scores(table * 1e15, tasks)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"hidden": ()}, "hidden layers of at least 1"),
        ({"hidden": (5, 0)}, r"not \(5, 0\)"),
        ({"lr": 0.0}, "learning rate above 0"),
        ({"lr": float("nan")}, "learning rate above 0"),
        ({"batch": 0}, "batch of at least 1, not 0"),
        ({"epochs": 0}, "epochs of at least 1"),
        ({"min_steps": -1}, "min_steps of at least 1"),
    ],
)
def test_impossible_settings_are_refused(setting, message):
    with pytest.raises(UsageError, match=message):
        Perceptron(**setting)


@pytest.mark.subprocess
def test_one_big_ragged_episode_takes_memory_of_its_actual_images():
    """143 classes padded to 5,000: 183 million numbers of padding (1.5 GB in float64), 7,840 images."""
    code = """
import resource, numpy as np, torch
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.heads.knn import KNearest
from fewshot_bench.heads.mlp import Perceptron
rng = np.random.default_rng(0)
table = torch.from_numpy(rng.normal(size=(9000, 256)).astype(np.float32))
support = np.full((1, 143, 5000), -1)
support[0, 0] = np.arange(5000)
support[0, 1:, :20] = np.arange(5000, 7840).reshape(142, 20)
tasks = Tasks(support, np.arange(7840, 9000)[None])
Perceptron((8,), epochs=1, min_steps=1).scores(table, Tasks(support[:, :, :1], tasks.query))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for head in (KNearest(3), Perceptron((32,), epochs=1, min_steps=1)):
    scores, _ = head.scores(table, tasks)
    assert scores.shape == (1, 1160, 143) and scores.isfinite().all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500_000  # kB
