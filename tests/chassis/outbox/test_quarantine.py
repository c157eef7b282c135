"""Who fails on their own waits longer and longer, and is tried at once when the world is well again."""

from chassis.outbox.quarantine import Quarantine


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def waits(quarantine: Quarantine, time: Time) -> float:
    """How long the stream has to wait after it failed again."""
    quarantine.park("jar:a")
    begun = time.now
    while not quarantine.due():
        time.now += 0.25
    return time.now - begun


def test_waits_double_up_to_fifteen_seconds() -> None:
    time = Time()
    quarantine = Quarantine(time)
    assert [waits(quarantine, time) for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]


def test_a_stream_that_did_well_starts_anew() -> None:
    time = Time()
    quarantine = Quarantine(time)
    waits(quarantine, time)
    waits(quarantine, time)
    quarantine.release("jar:a")
    assert quarantine.streams == frozenset()
    assert waits(quarantine, time) == 0.5


def test_all_are_due_when_the_world_is_well_again() -> None:
    quarantine = Quarantine(Time())
    quarantine.park("jar:a")
    quarantine.park("jar:b")
    assert quarantine.due() == []
    quarantine.all_due()
    assert quarantine.due() == ["jar:a", "jar:b"]
