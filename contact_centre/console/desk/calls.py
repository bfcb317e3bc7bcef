"""What a call is about."""

from sqlalchemy.ext.asyncio import AsyncEngine

from appeals.queries import appeals_of_calls


async def newest_appeal(engine: AsyncEngine, call_id: str) -> str | None:
    """The appeal of a call, of several the newest; None while there is none."""
    async with engine.connect() as connection:
        found = (await appeals_of_calls(connection, [call_id])).get(call_id)
    return found[-1] if found else None
