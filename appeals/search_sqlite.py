"""Search terms in SQLite: an FTS5 index whose rows lie in the order in which appeals were made.

So the newest appeals with a term are read first, and a page of them costs the same in a register of any size. The index
itself, ``appeal_search``, is made by revision 0003 of the schema; it reads its text from ``appeal_terms``.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    MetaData,
    Select,
    String,
    Table,
    bindparam,
    column,
    func,
    insert,
    literal_column,
    select,
    table,
    update,
)

from appeals.model import Appeal
from appeals.ports import Tx
from appeals.search import Cursor, Term, terms_of
from appeals.search_sql import Clauses, SqlSearch
from appeals.tables import appeals

metadata: Final = MetaData()

appeal_terms: Final = Table(
    "appeal_terms",
    metadata,
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("appeal_id", String, nullable=False, unique=True),
    Column("terms", String, nullable=False),
)
"""``place``: the millisecond in which the appeal was made, and a number within it. ``terms``: with spaces between."""

PLACES: Final = 2**20
"""Places in a millisecond: an import may give a whole year's appeals one moment."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_index: Final = table("appeal_search", column("rowid"), column("terms"), column("appeal_search"))

_KNOWN: Final = select(appeal_terms.c.place, appeal_terms.c.terms).where(
    appeal_terms.c.appeal_id == bindparam("of_appeal")
)
_LAST: Final = select(func.max(appeal_terms.c.place)).where(
    appeal_terms.c.place >= bindparam("first"), appeal_terms.c.place < bindparam("end")
)
_ADD: Final = insert(appeal_terms).values(
    place=bindparam("place"), appeal_id=bindparam("of_appeal"), terms=bindparam("terms")
)
_CHANGE: Final = (
    update(appeal_terms).where(appeal_terms.c.place == bindparam("at_place")).values(terms=bindparam("new_terms"))
)
_ENTER: Final = insert(_index).values(rowid=bindparam("place"), terms=bindparam("terms"))
_TAKE_OUT: Final = insert(_index).values(
    appeal_search=literal_column("'delete'"), rowid=bindparam("place"), terms=bindparam("terms")
)
"""FTS5's own command: the index keeps no text, so it must be told what it had."""

_REBUILD: Final = insert(_index).values(appeal_search=literal_column("'rebuild'"))


class SqliteSearch(SqlSearch):
    """A ``search.SearchIndex`` in SQLite."""

    def put(self, tx: Tx, appeal: Appeal) -> None:
        """Keep an appeal's terms in place of those it had."""
        terms = " ".join(sorted(terms_of(appeal)))
        known = tx.fetch_all(_KNOWN, {"of_appeal": appeal.appeal_id})
        if not known:
            place = self._free_place(tx, appeal.created_at)
            tx.execute(_ADD, {"place": place, "of_appeal": appeal.appeal_id, "terms": terms})
        else:
            [(place, old)] = known
            if old == terms:
                return
            tx.execute(_TAKE_OUT, {"place": place, "terms": old})
            tx.execute(_CHANGE, {"at_place": place, "new_terms": terms})
        tx.execute(_ENTER, {"place": place, "terms": terms})

    def rebuild(self, tx: Tx) -> None:
        """Make the index anew from the terms that are kept, should it be damaged."""
        tx.execute(_REBUILD)

    def _free_place(self, tx: Tx, at: datetime) -> int:
        first = _place(at)
        [(last,)] = tx.fetch_all(_LAST, {"first": first, "end": first + PLACES})
        return first if last is None else int(last) + 1

    def with_terms(self, clauses: Clauses) -> Select[Any]:
        """The ids of all appeals with these terms."""
        joined = _index.join(appeal_terms, appeal_terms.c.place == _index.c.rowid)
        return select(appeal_terms.c.appeal_id).select_from(joined).where(_index.c.appeal_search.match(_match(clauses)))

    def newest(self, statement: Select[Any], clauses: Clauses, after: Cursor | None) -> Select[Any]:
        """Narrow a select of appeals to those with these terms, the newest first, after the cursor's.

        An index on ``appeals`` may not come first: all of a service's appeals would be read, and FTS5 asked about each.
        What is computed from ``appeal_terms.appeal_id`` can only be looked up in the other direction.
        """
        found = (
            statement.select_from(_index)
            .join(appeal_terms, appeal_terms.c.place == _index.c.rowid)
            .join(appeals, appeals.c.appeal_id == func.coalesce(appeal_terms.c.appeal_id, literal_column("''")))
            .where(_index.c.appeal_search.match(_match(clauses)))
            .order_by(_index.c.rowid.desc())
        )
        if after is None:
            return found
        place = select(appeal_terms.c.place).where(appeal_terms.c.appeal_id == after.appeal_id).scalar_subquery()
        return found.where(_index.c.rowid < func.coalesce(place, _place(after.at)))


def _place(at: datetime) -> int:
    """The first place of a moment."""
    return (at - _EPOCH) // _MILLISECOND * PLACES


def _match(clauses: Clauses) -> str:
    """FTS5's query. Terms are letters, digits, ``@`` and ``#``: nothing in them means anything to it within quotes."""
    return " AND ".join(f"({' OR '.join(map(_quoted, sorted(clause)))})" for clause in clauses)


def _quoted(term: Term) -> str:
    return f'"{term.text}"{" *" if term.prefix else ""}'
