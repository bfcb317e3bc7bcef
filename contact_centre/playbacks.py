"""Who heard which recording, and when: one row for each listening, never changed afterwards.

Sound is sent only to a listening that stands here, so nothing is heard that was not written down.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Column, Float, Index, String, Table, bindparam, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.service import new_id
from contact_centre.tables import metadata
from telephony.ports import Tx
from telephony.store import stamp

LASTS: Final = timedelta(hours=12)
"""How long one listening goes on at most: a page that stays open longer asks for another."""
ONE_DOWNLOAD: Final = timedelta(hours=1)
"""Within this, a download that is asked for again is the same one, gone on with."""


class How(StrEnum):
    """What was done with a recording."""

    LISTENED = "listened"
    DOWNLOADED = "downloaded"


playbacks: Final = Table(
    "playbacks",
    metadata,
    Column("playback_id", String, primary_key=True),
    Column("recording_id", String, nullable=False),
    Column("call_id", String, nullable=False),
    Column("login", String, nullable=False),
    Column("at", String, nullable=False),
    Column("how", String, nullable=False),
    Column("second", Float, nullable=False),
    Index("playbacks_call", "call_id", "at"),
    Index("playbacks_login", "login", "at"),
)
"""``second``: from where in the recording they listened."""

_ADD: Final = insert(playbacks).values({column.name: bindparam(column.name) for column in playbacks.c})
_LATEST: Final = (
    select(playbacks.c.playback_id)
    .where(
        playbacks.c.call_id == bindparam("of_call"),
        playbacks.c.login == bindparam("of_login"),
        playbacks.c.how == bindparam("done"),
        playbacks.c.at > bindparam("since"),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """Somebody heard a recording, or took it away."""

    playback_id: str
    recording_id: str
    call_id: str
    login: str
    at: datetime
    how: How
    second: float


def begin(tx: Tx, *, recording_id: str, call_id: str, login: str, now: datetime, second: float) -> str:
    """Write down that somebody begins to listen; the id of the listening."""
    return _add(tx, recording_id, call_id, login, now, How.LISTENED, second)


def download(tx: Tx, *, recording_id: str, call_id: str, login: str, now: datetime) -> None:
    """Write down that somebody takes the recording away, once for a download in pieces."""
    since = {"of_call": call_id, "of_login": login, "done": How.DOWNLOADED.value, "since": stamp(now - ONE_DOWNLOAD)}
    if not tx.fetch_all(_LATEST, since):
        _add(tx, recording_id, call_id, login, now, How.DOWNLOADED, 0.0)


async def lasts(connection: AsyncConnection, playback_id: str, call_id: str, login: str, now: datetime) -> bool:
    """Whether this listening is this person's, to this call, and goes on."""
    asked = select(playbacks.c.playback_id).where(
        playbacks.c.playback_id == playback_id,
        playbacks.c.call_id == call_id,
        playbacks.c.login == login,
        playbacks.c.how == How.LISTENED.value,
        playbacks.c.at > stamp(now - LASTS),
    )
    return (await connection.execute(asked)).first() is not None


async def of_call(connection: AsyncConnection, call_id: str, limit: int) -> list[Playback]:
    """Who heard a call, the latest first."""
    asked = (
        select(playbacks)
        .where(playbacks.c.call_id == call_id)
        .order_by(playbacks.c.at.desc(), playbacks.c.playback_id.desc())
        .limit(limit)
    )
    return [
        Playback(
            playback_id=row.playback_id,
            recording_id=row.recording_id,
            call_id=row.call_id,
            login=row.login,
            at=datetime.fromisoformat(row.at),
            how=How(row.how),
            second=row.second,
        )
        for row in await connection.execute(asked)
    ]


def _add(tx: Tx, recording_id: str, call_id: str, login: str, now: datetime, how: How, second: float) -> str:
    playback_id = new_id()
    row = {"playback_id": playback_id, "recording_id": recording_id, "call_id": call_id, "login": login}
    tx.execute(_ADD, row | {"at": stamp(now), "how": how.value, "second": round(second, 1)})
    return playback_id
