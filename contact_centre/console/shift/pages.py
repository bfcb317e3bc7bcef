"""The live board: who waits, who is free, who talks; it changes by itself."""

from typing import Final

from contact_centre import accounts
from contact_centre.console.languages import N_
from contact_centre.console.presence.words import REASONS
from contact_centre.console.route import Asked, Reply, Route
from contact_centre.console.shift.today import figures_now, today

WORDS: Final = {
    "free": N_("free"),
    "ringing": N_("is called"),
    "talking": N_("talks"),
    "wrap_up": N_("writes up"),
    "paused": N_("paused"),
    "offline": N_("telephone is off"),
    "announcement": N_("hears the announcement"),
    "waiting": N_("waits"),
    "withheld": N_("number withheld"),
    "nobody_waits": N_("Nobody waits."),
    "nobody_signed_in": N_("Nobody is signed in to the queue. An operator dials *11."),
    "no_calls": N_("Nobody is on the line."),
}
"""What the page's module writes; it gets the words from the page, in the page's language."""

_ROLES: Final = frozenset({"operator", "supervisor"})


async def board(asked: Asked) -> Reply:
    """The page: today's figures, and what comes by ``live``."""
    async with asked.site.reading() as connection:
        people = await accounts.all_accounts(connection)
    said = WORDS | {f"reason_{reason}": text for reason, text in REASONS.items()}
    words = {key: asked.words(text) for key, text in said.items()}
    return asked.page("shift/board.html", people=people, texts=words, **await today(asked))


async def live(asked: Asked) -> Reply:
    """The stream of changes."""
    return await asked.console.live.listen(asked.request, asked.person.login)


ROUTES: Final = (
    Route(name="board", method="GET", path="/board", do=board, roles=_ROLES, menu=N_("Board")),
    Route(name="board_figures", method="GET", path="/board/figures", do=figures_now, roles=_ROLES),
    Route(name="live", method="GET", path="/live", do=live, roles=_ROLES, lasting=True),
)
