"""One thread for one picture, and as many as before when nobody asks."""

from __future__ import annotations

from threading import Barrier, Thread

from fewshot_bench.recogniser.threads import controllers, one_thread


def many() -> list[int]:
    return [library["num_threads"] for controller in controllers() for library in controller.info()]


def test_threads_are_limited_while_it_is_open_and_restored_after():
    before = many()
    with one_thread():
        assert set(many()) == {1}
    assert many() == before


def test_calls_at_once_leave_what_was_before():
    before, both, first_is_out = many(), Barrier(2), Barrier(2)
    seen: list[list[int]] = []

    def second() -> None:
        both.wait()
        with one_thread():
            both.wait()
            first_is_out.wait()
            seen.append(many())

    other = Thread(target=second)
    other.start()
    with one_thread():
        both.wait()
        both.wait()
    first_is_out.wait()
    other.join()
    assert set(seen[0]) == {1} and many() == before


def test_a_picture_alone_is_answered_by_one_thread(shop, monkeypatch):
    import fewshot_bench as fb
    from fewshot_bench.recogniser.fitted import Recogniser

    seen = []
    scores = Recogniser.scores
    monkeypatch.setattr(Recogniser, "scores", lambda *given: (seen.append(set(many())), scores(*given))[1])
    made = fb.fit(shop / "shop", "pixels")
    pictures = sorted((shop / "new").iterdir())
    before = set(many())
    alone = made.predict(pictures[0]).picture(0)
    together = made.predict(pictures).picture(0)
    assert seen == [{1}, before] and alone["top"][0]["class"] == together["top"][0]["class"]
