"""The register's desk as this installation runs it: clock, reference data, search index, outbox."""

from appeals import reference_store
from appeals.duties import Duty
from appeals.duty_desk import DutyDesk
from appeals.incident_desk import IncidentDesk
from appeals.model import Appeal, HistoryEntry, Status
from appeals.ports import Clock, Tx
from appeals.reference import Template
from appeals.register import Desk
from appeals.search import needs_index
from appeals.search_sqlite import SqliteSearch
from appeals.service import new_id
from contact_centre.announcing import Announcer, Ways
from contact_centre.config import Settings
from contact_centre.outbox import TableOutbox


def outbox_of(settings: Settings, clock: Clock) -> TableOutbox:
    """The outbox, with the city's texts and whoever subscribed."""

    def templates(tx: Tx) -> dict[tuple[str, str], Template]:
        return dict(reference_store.current(tx).templates)

    return TableOutbox(templates, settings.messages.webhooks, clock, new_id)


def desks_of(settings: Settings, clock: Clock) -> tuple[Desk, IncidentDesk]:
    """Where commands on appeals and incidents are carried out."""
    ways = Ways(
        email=settings.messages.email is not None,
        sms=settings.messages.sms is not None,
        phone=settings.messages.phone,
    )
    announcer = Announcer(outbox_of(settings, clock), reference_store.current, ways)
    index = SqliteSearch()

    def changed(tx: Tx, before: Appeal | None, after: Appeal, entries: tuple[HistoryEntry, ...]) -> None:
        if needs_index(before, after):
            index.put(tx, after)
        announcer.changed(tx, before, after, entries)
        if before is not None and before.status is Status.NEW and after.status is Status.REGISTERED:
            incident_desk.consider(tx, after)

    def owed(tx: Tx, appeal: Appeal | None, duty: Duty) -> None:
        announcer.owed(tx, appeal, duty)

    desk = Desk(clock, reference_store.current, changed, owed)
    incident_desk = IncidentDesk(desk)
    return desk, incident_desk


def desk_of(settings: Settings, clock: Clock) -> Desk:
    """Where commands on appeals are carried out."""
    return desks_of(settings, clock)[0]


def duty_desk_of(settings: Settings, clock: Clock) -> DutyDesk:
    """Where commands on duties are carried out."""
    return DutyDesk(clock, desk_of(settings, clock).changed, settings.duties.told_seconds)
