"""The whole register, for tests that look at all there is."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import queries
from appeals.model import Appeal
from appeals.tables import appeals


async def every_appeal(connection: AsyncConnection) -> list[Appeal]:
    """Appeals, the newest first."""
    ids = select(appeals.c.appeal_id).order_by(appeals.c.created_at.desc(), appeals.c.appeal_id.desc())
    return await queries.get_appeals(connection, list((await connection.execute(ids)).scalars()))
