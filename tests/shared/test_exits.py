from shared.exits import Exit


def test_every_ending_has_a_number_of_its_own() -> None:
    numbers = [member.value for member in Exit.__members__.values()]
    assert len(numbers) == len(set(numbers))


def test_success_usage_and_interrupt_keep_the_numbers_that_shells_know() -> None:
    assert (Exit.OK, Exit.FAILURE, Exit.USAGE, Exit.INTERRUPTED) == (0, 1, 2, 130)
