"""The API as this installation serves it."""

from sqlalchemy.ext.asyncio import AsyncEngine

from appeals.ports import Clock
from appeals.reference_store import current_reference
from appeals.search_sqlite import SqliteSearch
from contact_centre.api.operations import OPERATIONS
from contact_centre.api.shell import Shell
from contact_centre.api.site import Site
from contact_centre.config import Settings
from contact_centre.register_desk import desks_of, duty_desk_of
from contact_centre.writer import Writer
from telephony.ingest import ToE164


def site(settings: Settings, writer: Writer, engine: AsyncEngine, clock: Clock, to_e164: ToE164) -> Site:
    """What the operations, and the pages of the console, work with."""
    desk, incidents = desks_of(settings, clock)
    return Site(
        desk=desk,
        duties=duty_desk_of(settings, clock),
        incidents=incidents,
        search=SqliteSearch(),
        reference=current_reference,
        writer=writer,
        engine=engine,
        clock=clock,
        to_e164=to_e164,
    )


def build(of: Site) -> Shell:
    """To be mounted beside ``/healthz``."""
    return Shell(of, OPERATIONS)
