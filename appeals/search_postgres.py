"""Search terms in PostgreSQL: a ``tsvector`` made of our terms as they are, so no dictionary of the server is asked."""

from typing import Any, Final

from sqlalchemy import Column, Index, MetaData, Select, String, Table, Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR, insert

from appeals.model import Appeal
from appeals.ports import Tx
from appeals.search import Cursor, Term, terms_of
from appeals.search_sql import Clauses, SqlSearch, after_newest
from appeals.tables import appeals

metadata: Final = MetaData()

appeal_terms: Final = Table(
    "appeal_terms",
    metadata,
    Column("appeal_id", String, primary_key=True),
    Column("terms", TSVECTOR, nullable=False),
    Index("appeal_terms_terms", "terms", postgresql_using="gin"),
)

_new: Final = insert(appeal_terms).values(
    appeal_id=bindparam("of_appeal"),
    terms=func.array_to_tsvector(func.string_to_array(cast(bindparam("terms"), Text), " ")),
)
_PUT: Final = _new.on_conflict_do_update(index_elements=["appeal_id"], set_={"terms": _new.excluded.terms})


class PostgresSearch(SqlSearch):
    """A ``search.SearchIndex`` in PostgreSQL."""

    def put(self, tx: Tx, appeal: Appeal) -> None:
        """Keep an appeal's terms in place of those it had."""
        tx.execute(_PUT, {"of_appeal": appeal.appeal_id, "terms": " ".join(sorted(terms_of(appeal)))})

    def with_terms(self, clauses: Clauses) -> Select[Any]:
        """The ids of all appeals with these terms."""
        query = cast(cast(_query(clauses), Text), TSQUERY)
        return select(appeal_terms.c.appeal_id).where(appeal_terms.c.terms.op("@@")(query))

    def newest(self, statement: Select[Any], clauses: Clauses, after: Cursor | None) -> Select[Any]:
        """Narrow a select of appeals to those with these terms, the newest first, after the cursor's.

        The server's statistics of terms decide whether the index of terms is read, or the newest appeals in turn.
        """
        return after_newest(statement.where(appeals.c.appeal_id.in_(self.with_terms(clauses))), after)


def _query(clauses: Clauses) -> str:
    """A ``tsquery``. Terms are letters, digits, ``@`` and ``#``: nothing in them means anything to it within quotes."""
    return " & ".join(f"({' | '.join(map(_quoted, sorted(clause)))})" for clause in clauses)


def _quoted(term: Term) -> str:
    return f"'{term.text}'{':*' if term.prefix else ''}"
