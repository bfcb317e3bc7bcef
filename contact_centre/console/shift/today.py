"""Today's figures and the last hour, as a part of the board that is asked for again while calls come and go."""

from typing import Any

from appeals.queries import list_callbacks
from contact_centre.console.route import Asked, Reply
from contact_centre.console.shift import picture
from contact_centre.console.shift.figures import figures, first_minute, since
from telephony.queue_tally import tally


async def today(asked: Asked) -> dict[str, Any]:
    """What ``shift/figures.html`` shows: one query for the calls, one for the callbacks."""
    now, settings = asked.site.clock.now(), asked.console.settings.service_level
    threshold, short = settings.answer_within_s, settings.short_abandon_s
    async with asked.site.reading() as connection:
        tallies = await tally(connection, since(now), first_minute(now), threshold=threshold, short=short)
        callbacks = await list_callbacks(connection)
    counted = figures(tallies, now)
    return {
        "figures": counted,
        "threshold": threshold,
        "short": short,
        "aim": settings.aim_percent,
        "callbacks_open": len(callbacks),
        "callbacks_due": sum(one.due_at <= now for one in callbacks),
        "drawing": picture,
        "picture": picture.picture(counted.hour, threshold),
    }


async def figures_now(asked: Asked) -> Reply:
    """The part alone."""
    return asked.page("shift/figures.html", **await today(asked))
