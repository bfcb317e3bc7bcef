"""Idempotency keys: a program that got no answer asks again, and nothing happens twice.

The header ``Idempotency-Key`` of the IETF's draft (draft-ietf-httpapi-idempotency-key-header). The answer is kept in
the transaction that did the work, so that there is never one without the other; what changed nothing is not kept, and
asking again simply decides again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from contact_centre.tables import metadata
from telephony.ports import Tx
from telephony.store import stamp

KEPT_FOR: Final = timedelta(hours=24)
LONGEST_KEY: Final = 255

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("token_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", String, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("created_at", String, nullable=False),
    Index("idempotency_keys_created_at", "created_at"),
)
"""``digest`` is of the request, ``headers`` are JSON. A key is a token's own: no program meets another's answers."""

_FIND: Final = select(
    idempotency_keys.c.digest, idempotency_keys.c.status, idempotency_keys.c.headers, idempotency_keys.c.response
).where(
    idempotency_keys.c.token_id == bindparam("of_token"),
    idempotency_keys.c.key == bindparam("of_key"),
    idempotency_keys.c.created_at > bindparam("after"),
)
_new: Final = insert(idempotency_keys)
_KEEP: Final = _new.on_conflict_do_update(  # an expired one that the sweep has not taken yet
    index_elements=["token_id", "key"],
    set_={column.name: _new.excluded[column.name] for column in idempotency_keys.c if not column.primary_key},
)
_SWEEP: Final = delete(idempotency_keys).where(idempotency_keys.c.created_at <= bindparam("until"))


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given; ``digest`` is of the request that it answered."""

    digest: bytes
    status: int
    headers: Mapping[str, str]
    body: bytes


def find(tx: Tx, token_id: str, key: str, now: datetime) -> Kept | None:
    """The answer that was given to a request with this key."""
    found = tx.fetch_all(_FIND, {"of_token": token_id, "of_key": key, "after": stamp(now - KEPT_FOR)})
    if not found:
        return None
    digest, status, headers, body = found[0]
    return Kept(digest, status, json.loads(headers), body)


def keep(tx: Tx, token_id: str, key: str, answer: Kept, now: datetime) -> None:
    """Keep an answer for a day."""
    row = {"digest": answer.digest, "status": answer.status, "headers": json.dumps(dict(answer.headers))}
    tx.execute(_KEEP, row | {"token_id": token_id, "key": key, "response": answer.body, "created_at": stamp(now)})


def sweep(tx: Tx, now: datetime) -> int:
    """Forget what is older; how many that were."""
    return tx.execute(_SWEEP, {"until": stamp(now - KEPT_FOR)})
