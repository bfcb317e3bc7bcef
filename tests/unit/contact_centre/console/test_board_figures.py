"""The board's figures: the formula counted from tallies, today in the city, the last hour minute by minute."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_centre.console.shift import picture as drawing
from contact_centre.console.shift.figures import HOUR, Minute, figures, since
from contact_centre.console.shift.picture import picture
from telephony.core.call import QueueOutcome
from telephony.queue_tally import Tally

NOW = datetime(2026, 11, 22, 9, 30, 40, tzinfo=UTC)
ANSWERED, ABANDONED = QueueOutcome.ANSWERED, QueueOutcome.ABANDONED


def tally(
    outcome: QueueOutcome | None,
    count: int = 1,
    *,
    in_time: bool = True,
    short: bool = False,
    longest: float = 0.0,
    ago: int = 10,
) -> Tally:
    minute = NOW.replace(second=0) - timedelta(minutes=ago)
    return Tally(minute, outcome, in_time, short, count, longest)


def level(*tallies: Tally) -> float | None:
    return figures(tallies, NOW).level


def test_all_answered_in_time_is_everything() -> None:
    assert level(tally(ANSWERED, 7)) == 1.0


def test_a_late_answer_counts_against_the_service() -> None:
    assert level(tally(ANSWERED, 3), tally(ANSWERED, 1, in_time=False)) == 0.75


def test_who_gives_up_soon_did_not_mean_to_wait_and_who_gives_up_late_counts() -> None:
    assert level(tally(ANSWERED, 3), tally(ABANDONED, 5, short=True)) == 1.0
    assert level(tally(ANSWERED, 3), tally(ABANDONED, 1, in_time=False)) == 0.75


def test_giving_up_within_the_time_for_an_answer_is_still_no_answer() -> None:
    assert level(tally(ANSWERED, 3), tally(ABANDONED, 1, in_time=True)) == 0.75


@pytest.mark.parametrize(
    "outcome",
    [QueueOutcome.TIMED_OUT, QueueOutcome.EXITED_BY_KEY, QueueOutcome.EXITED_EMPTY, QueueOutcome.WITHDRAWN],
)
def test_every_other_way_out_of_the_queue_was_offered_and_not_answered(outcome: QueueOutcome) -> None:
    assert level(tally(ANSWERED), tally(outcome, short=True)) == 0.5


def test_who_waits_still_says_nothing_yet() -> None:
    told = figures([tally(None, 4), tally(ANSWERED, 2)], NOW)
    assert (told.offered, told.level) == (2, 1.0)
    assert level(tally(None, 4)) is None


def test_nothing_counts_where_all_gave_up_at_once() -> None:
    assert level(tally(ABANDONED, 2, short=True)) is None
    assert level() is None


def test_today_begins_at_midnight_in_the_city_and_the_picture_an_hour_ago() -> None:
    early = datetime(2026, 11, 21, 22, 20, tzinfo=UTC)  # twenty past midnight in the city
    assert since(early) == datetime(2026, 11, 21, 21, 21, tzinfo=UTC)
    assert since(NOW) == datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
    before, after = (
        Tally(
            datetime(2026, 11, 21, hour, minute, tzinfo=UTC),
            ABANDONED,
            in_time=False,
            short=False,
            count=1,
            longest=30.0,
        )
        for hour, minute in ((21, 59), (22, 0))
    )
    told = figures([before, after], early)
    assert told.abandoned == 1
    assert sum(one.abandoned for one in told.hour) == 2


def test_the_hour_is_told_by_the_minute_in_which_calls_began() -> None:
    told = figures(
        [
            tally(ANSWERED, 2, longest=12.5),
            tally(ANSWERED, 1, in_time=False, longest=44.0),
            tally(ABANDONED, 3, short=True, longest=4.0),
            tally(QueueOutcome.TIMED_OUT, 1, longest=30.0),
            tally(None, 2),
            tally(ANSWERED, 9, ago=HOUR),
            tally(None, 1, ago=0),
        ],
        NOW,
    )
    assert len(told.hour) == HOUR
    assert told.hour[-11] == Minute(NOW.replace(second=0) - timedelta(minutes=10), 3, 3, 3, 44.0)
    assert told.hour[-1] == Minute(NOW.replace(second=0), 0, 0, 1, None)
    assert sum(one.arrived for one in told.hour) == 10
    assert (told.answered, told.answered_in_time, told.abandoned, told.short_abandons) == (12, 11, 3, 3)


def hour(answered: int = 0, wait: float | None = None) -> list[Minute]:
    at = NOW.replace(second=0)
    minutes = [Minute(at - timedelta(minutes=ago)) for ago in range(HOUR - 1, 0, -1)]
    return [*minutes, Minute(at, answered, wait=wait)]


def test_an_hour_without_calls_is_drawn_with_its_axes_alone() -> None:
    drawn = picture(hour(), 20)
    assert not any(bar.blocks for bar in drawn.bars)
    assert (drawn.strokes, drawn.dots) == ((), ())
    assert [mark.text for mark in drawn.calls] == ["2", "4"]
    assert [mark.text for mark in drawn.waits] == ["0:20", "0:40"]
    assert [mark.text for mark in drawn.times] == ["10:40", "10:50", "11:00", "11:10", "11:20", "11:30"]
    assert drawn.aim == drawn.waits[0].at


def test_a_line_is_drawn_between_neighbours_only() -> None:
    minutes = hour(answered=1, wait=10.0)
    for place in (5, 6, 8):
        minutes[place] = Minute(minutes[place].at, answered=1, wait=20.0)
    drawn = picture(minutes, 20)
    assert (len(drawn.strokes), len(drawn.dots)) == (1, 4)


@given(
    st.integers(0, 3000),
    st.integers(0, 3000),
    st.integers(0, 3000),
    st.none() | st.floats(0, 90_000),
    st.floats(1, 600),
)
def test_every_bar_and_the_line_stay_within_the_axes(
    answered: int, abandoned: int, other: int, wait: float | None, threshold: float
) -> None:
    drawn = picture([*hour()[:-1], Minute(NOW, answered, abandoned, other, wait)], threshold)
    last = drawn.bars[-1]
    assert drawing.LEFT <= last.x <= last.x + last.width <= drawing.RIGHT
    assert sum(block.height for block in last.blocks) == pytest.approx(
        drawing.GROUND - min([drawing.GROUND, *(block.y for block in last.blocks)]), abs=0.3
    )
    heights = [block.y for block in last.blocks] + [y for _, y in drawn.dots] + [drawn.aim]
    assert all(drawing.TOP - 0.1 <= one <= drawing.GROUND for one in heights)
