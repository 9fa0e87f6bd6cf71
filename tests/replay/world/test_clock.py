from replay.world.clock import VirtualClock


def test_what_is_due_is_done_in_order_of_time_then_of_asking() -> None:
    clock, done = VirtualClock(100), list[tuple[str, int]]()
    for name, due_ns in (("late", 300), ("first", 200), ("second", 200), ("past", 50)):
        clock.at(due_ns, lambda name=name: done.append((name, clock.now())))  # type: ignore[misc]
    clock.run(250)
    assert done == [("past", 100), ("first", 200), ("second", 200)]
    assert clock.now() == 250
    clock.run(300)
    assert done[-1] == ("late", 300)


def test_something_repeated_comes_at_once_and_then_every_period() -> None:
    clock, times = VirtualClock(0), list[int]()
    clock.every(10, lambda: times.append(clock.now()))
    clock.run(35)
    assert times == [0, 10, 20, 30]
