from __future__ import annotations

from domain.sampling import draw, user_key


def test_draw_is_the_same_number_in_every_process():
    """The number of an id must never change between releases: samples would stop to nest."""
    assert draw("req-1") == 0.016713432581392337


def test_draws_are_uniform_and_nest():
    """Shares of a large sample must match the rates, and a smaller rate must choose a subset of a larger one."""
    draws = {f"req-{number}": draw(f"req-{number}") for number in range(50_000)}
    chosen = {rate: {name for name, value in draws.items() if value < rate} for rate in (0.2, 0.05, 0.005)}
    assert chosen[0.005] < chosen[0.05] < chosen[0.2]
    for rate, names in chosen.items():
        assert abs(len(names) / len(draws) - rate) < 4 * (rate / len(draws)) ** 0.5


def test_a_user_is_told_apart_within_one_task_only():
    """The key says neither who it is nor that somebody uses two tasks; nobody has none."""
    keys = {user_key(task, user) for task in ("a", "b") for user in (b"ada", b"bob")}
    assert len(keys) == 4
    assert all(len(key) == 16 and "ada" not in key for key in keys)
    assert user_key("a", b"ada") == user_key("a", b"ada")
    assert user_key("a", b"") == ""
