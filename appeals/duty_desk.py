"""What people do with duties: say what came of a call, take one up, excuse one, answer for a specialist.

Like ``register.Desk``: load, check, keep, all in the caller's transaction. Nobody closes a duty here by saying so; what
is said closes it once there is the evidence for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appeals import duty_store, register_store
from appeals.duties import Duty, DutyKind, Excuse
from appeals.errors import ChangedMeanwhileError, GuardError, NoSuchDutyError, RoleError
from appeals.evidence import (
    ATTEMPTS,
    TOLD_SECONDS,
    ContactResult,
    GivenResult,
    Shortfall,
    attempts_missing,
    hours,
    shortfall,
)
from appeals.model import ENDED, Actor, Appeal, HistoryEntry, Role
from appeals.ports import Clock, Tx
from appeals.visibility import Sight, sight

ROLES: Final = frozenset({Role.OPERATOR, Role.SUPERVISOR})
"""Who works on duties; a service's own is accepted by its executor (``commands.Accept``)."""
LONGEST_NOTE: Final = 1000
"""Characters of a note, a reason, or the name of a letter."""

_REFUSED: Final = {
    Shortfall.OTHER_NUMBER: "the call went to another number than the applicant's",
    Shortfall.NOT_ANSWERED: "nobody answered this call",
    Shortfall.TOO_SHORT: "they were connected too shortly for that",
    Shortfall.BEFORE: "the call was over before there was anything to tell",
}
"""What the ledger knows already and speaks against ``told``; that the call is not over yet does not."""


@dataclass(frozen=True, slots=True)
class Given:
    """A duty after a result was given; ``lacks`` is what it still takes to close it."""

    duty: Duty
    lacks: Shortfall | None


@dataclass(frozen=True, slots=True)
class DutyDesk:
    """Where commands on duties are carried out.

    ``changed`` is told of the appeal whose duty it was, as ``register.Desk.changed`` is. ``told_seconds``: how long a
    call must have lasted for the applicant to count as told.
    """

    clock: Clock
    changed: Callable[[Tx, Appeal | None, Appeal, tuple[HistoryEntry, ...]], None]
    told_seconds: float = TOLD_SECONDS

    def give_result(
        self,
        tx: Tx,
        duty_id: str,
        contact_id: str,
        result: ContactResult,
        actor: Actor,
        *,
        note: str | None = None,
        call_at: datetime | None = None,
        expected: int | None = None,
    ) -> Given:
        """What came of a call, made for the duty or used for it; may be said before the ledger knows of its end.

        ``call_at`` is when the citizen asked to be called again. Saying it anew for the same call corrects it: whoever
        said it may, and a supervisor. A callback is closed by the contact itself, unless the result says that it was
        none (``evidence.UNANSWERED``); for a service's duty it is noted, and closes nothing.

        Raises:
            RoleError, NoSuchDutyError, ChangedMeanwhileError: As for every command on duties.
            GuardError: The duty is closed, by something else than this call; or what is said cannot be.
        """
        duty, appeal = self._known(tx, duty_id, actor, "give_result", expected)
        now = self.clock.now()
        earlier = {given.contact_id: given for given, _ in duty_store.results(tx, duty_id)}
        if duty.closed_at is not None and duty.evidence != contact_id:
            raise _closed(duty)
        if duty.closed_at is not None and appeal is not None and appeal.status in ENDED:
            self._supervises(actor, "the appeal has ended with this as its evidence")
        before = earlier.get(contact_id)
        if before is not None and before.given_by != actor.login:
            self._supervises(actor, f"{before.given_by} gave this result")
        if call_at is not None and call_at <= now:
            raise GuardError("in_the_past", "a call is promised for a time to come")
        number = duty.number if before is None else before.number
        given = GivenResult(
            duty_id, contact_id, result, number, self.told_seconds, actor.login, now, _text(note, "note")
        )
        contact = duty_store.contact(tx, contact_id)
        lacks = shortfall(given, contact, duty.opened_at)
        if duty.kind is DutyKind.INFORM and lacks in _REFUSED:
            raise GuardError(lacks.value, _REFUSED[lacks], call_id=contact_id)
        duty_store.put_result(tx, given)
        if call_at is not None or duty.promised_for is not None:
            duty_store.promise(tx, duty_id, call_at)
        self._note(tx, appeal, duty, actor, "call_result", call_id=contact_id, result=result.value)
        return Given(_present(tx, duty_id), lacks)

    def claim(self, tx: Tx, duty_id: str, actor: Actor, *, expected: int | None = None) -> Duty:
        """Take up a duty, and with it whatever else is owed to the same citizen: one person calls them.

        Raises:
            RoleError, NoSuchDutyError, ChangedMeanwhileError: As for every command on duties.
            GuardError: It is closed, a service's, or somebody else is at it already; a supervisor may take over.
        """
        duty, _ = self._open(tx, duty_id, actor, "claim", expected)
        if duty.kind is DutyKind.ACCEPT:
            raise GuardError("service_duty", f"it is for {duty.owner} to accept it")
        owed = self._seen(tx, duty_store.of_same_citizen(tx, duty), actor)
        taken = {one.owner for one, _ in owed if one.claimed_at is not None} - {None, actor.login}
        if taken and Role.SUPERVISOR not in actor.roles:
            names = ", ".join(sorted(map(str, taken)))
            raise GuardError("claimed", f"{names} is at it already", owner=names)
        now = self.clock.now()
        for one, appeal in owed:
            if one.owner != actor.login:
                duty_store.own(tx, one.duty_id, actor.login, now)
                self._note(tx, appeal, one, actor, "duty_claimed", owner=actor.login)
        return _present(tx, duty_id)

    def release(self, tx: Tx, duty_id: str, actor: Actor, *, expected: int | None = None) -> Duty:
        """Give a duty back to the shift, with whatever else is owed to the same citizen.

        Raises:
            RoleError, NoSuchDutyError, ChangedMeanwhileError: As for every command on duties.
            GuardError: It is closed, or somebody else's; a supervisor may release it.
        """
        duty, _ = self._open(tx, duty_id, actor, "release", expected)
        if duty.claimed_at is not None and duty.owner != actor.login and Role.SUPERVISOR not in actor.roles:
            raise GuardError("claimed", f"{duty.owner} is at it", owner=duty.owner)
        for one, appeal in self._seen(tx, duty_store.of_same_citizen(tx, duty), actor):
            if one.claimed_at is not None and one.owner == duty.owner:
                duty_store.own(tx, one.duty_id, None, None)
                self._note(tx, appeal, one, actor, "duty_released", owner=one.owner)
        return _present(tx, duty_id)

    def excuse(
        self,
        tx: Tx,
        duty_id: str,
        why: Excuse,
        reason: str,
        actor: Actor,
        *,
        letter: str | None = None,
        expected: int | None = None,
    ) -> Duty:
        """End a duty to inform although the applicant was not told.

        ``why`` is ``no_contact``, when the applicant left nothing to be reached by, or ``unreachable``, after calls in
        vain at three different hours of the day and a written message, which ``letter`` names (number and date).

        Raises:
            RoleError, NoSuchDutyError, ChangedMeanwhileError: As for every command on duties.
            GuardError: It is closed, or not one that can be excused; or what is missing for the excuse.
        """
        duty, appeal = self._open(tx, duty_id, actor, "excuse", expected)
        if duty.kind is not DutyKind.INFORM or why not in {Excuse.NO_CONTACT, Excuse.UNREACHABLE}:
            raise GuardError("not_excusable", "only that the applicant was not told can be excused, and only so")
        said, sent = _text(reason, "reason"), _text(letter, "letter")
        if said is None:
            raise GuardError("text_missing", "reason is missing", field="reason")
        if why is Excuse.NO_CONTACT:
            _no_contact(duty)
        else:
            _unreachable(duty_store.attempts(tx, duty_id), sent)
        duty_store.excuse(tx, duty_id, why, reason=said, letter=sent, by=actor.login, at=self.clock.now())
        self._note(tx, appeal, duty, actor, "duty_excused", excuse=why.value)
        return _present(tx, duty_id)

    def answer_forwarding(
        self,
        tx: Tx,
        duty_id: str,
        actor: Actor,
        *,
        took_place: bool | None = None,
        replied: bool | None = None,
        prompt: bool | None = None,
        expected: int | None = None,
    ) -> Duty:
        """What the citizen says of the specialist whom they were referred to: ends a forwarding control.

        Did the contact take place (None: as the ledger found), was there a reply, and was it prompt?

        Raises:
            RoleError, NoSuchDutyError, ChangedMeanwhileError: As for every command on duties.
            GuardError: It is closed, or no forwarding control; or an answer is missing or cannot be.
        """
        duty, appeal = self._open(tx, duty_id, actor, "answer_forwarding", expected)
        if duty.forwarding is None:
            raise GuardError("no_forwarding", "nobody was referred to a specialist here")
        found = duty.forwarding.talked_seconds is not None
        if took_place is None and not found:
            raise GuardError("answer_missing", "did the contact take place?", field="took_place")
        if took_place is False and found:
            raise GuardError("took_place", f"the ledger has them talking for {duty.forwarding.talked_seconds:.0f} s")
        happened = found or bool(took_place)
        if happened and replied is None:
            raise GuardError("answer_missing", "was there a reply?", field="replied")
        if happened and replied and prompt is None:
            raise GuardError("answer_missing", "was the reply prompt?", field="prompt")
        replied = replied if happened else None
        prompt = prompt if replied else None
        now = self.clock.now()
        duty_store.answer(tx, duty_id, took_place=happened, replied=replied, prompt=prompt, by=actor.login, at=now)
        answers = {"took_place": happened, "replied": replied, "prompt": prompt}
        told = {name: None if value is None else str(value).lower() for name, value in answers.items()}
        self._note(tx, appeal, duty, actor, "forwarding_answered", **told)
        return _present(tx, duty_id)

    @staticmethod
    def _supervises(actor: Actor, why: str) -> None:
        if Role.SUPERVISOR not in actor.roles:
            raise GuardError("supervisor_corrects", f"{why}: a supervisor may correct it")

    def _known(
        self, tx: Tx, duty_id: str, actor: Actor, action: str, expected: int | None
    ) -> tuple[Duty, Appeal | None]:
        """A duty that the actor may act on, with its appeal.

        Raises:
            RoleError: The actor's roles do not allow it.
            NoSuchDutyError: There is none, or none that the actor sees whole.
            ChangedMeanwhileError: The appeal's version is not the one that the actor has seen.
        """
        if actor.roles.isdisjoint(ROLES):
            raise RoleError(action, sorted(role.value for role in ROLES))
        duty = duty_store.load(tx, duty_id)
        seen = [] if duty is None else self._seen(tx, [duty], actor)
        if not seen:
            raise NoSuchDutyError(duty_id)
        [(known, appeal)] = seen
        if appeal is not None and expected is not None and appeal.version != expected:
            raise ChangedMeanwhileError(expected, appeal.version)
        return known, appeal

    def _open(
        self, tx: Tx, duty_id: str, actor: Actor, action: str, expected: int | None
    ) -> tuple[Duty, Appeal | None]:
        duty, appeal = self._known(tx, duty_id, actor, action, expected)
        if duty.closed_at is not None:
            raise _closed(duty)
        return duty, appeal

    def _seen(self, tx: Tx, owed: list[Duty], actor: Actor) -> list[tuple[Duty, Appeal | None]]:
        """Those of the duties that the actor sees whole, with their appeals."""
        seen: list[tuple[Duty, Appeal | None]] = []
        for duty in owed:
            appeal = None if duty.appeal_id is None else register_store.load(tx, duty.appeal_id)
            desk, service = (None, None) if appeal is None else (appeal.desk, appeal.service)
            if sight(actor, desk=desk, service=service) is Sight.WHOLE:
                seen.append((duty, appeal))
        return seen

    def _note(
        self, tx: Tx, appeal: Appeal | None, duty: Duty, actor: Actor, event: str, /, **details: str | None
    ) -> None:
        """The appeal's history says who did what; a callback of no appeal has none."""
        if appeal is None:
            return
        kept: dict[str, str | None] = {"duty_id": duty.duty_id, "kind": duty.kind.value, **details}
        entry = HistoryEntry(self.clock.now(), actor.login, event, kept)
        register_store.append(tx, appeal.appeal_id, entry)
        duty_store.touch(tx, appeal.appeal_id)
        after = register_store.load(tx, appeal.appeal_id)
        if after is not None:
            self.changed(tx, appeal, after, (entry,))


def _present(tx: Tx, duty_id: str) -> Duty:
    duty = duty_store.load(tx, duty_id)
    if duty is None:
        raise NoSuchDutyError(duty_id)
    return duty


def _closed(duty: Duty) -> GuardError:
    how = duty.excuse.value if duty.excuse is not None else f"{duty.evidence_kind or 'evidence'} {duty.evidence or ''}"
    return GuardError("duty_closed", f"it is closed already: {how.strip()}", duty_id=duty.duty_id)


def _no_contact(duty: Duty) -> None:
    left = [name for name, value in (("telephone", duty.number), ("e-mail", duty.email)) if value is not None]
    if left:
        raise GuardError("contact_given", f"the applicant can be reached by {' and '.join(left)}", contact=left)


def _unreachable(attempts: list[datetime], letter: str | None) -> None:
    missing = attempts_missing(attempts)
    lacks = []
    if missing:
        tried = ", ".join(f"{hour}:00" for hour in hours(attempts)) or "none"
        lacks.append(f"{missing} of {ATTEMPTS} calls at different hours (tried so far: {tried})")
    if letter is None:
        lacks.append("a written message (its number and date)")
    if lacks:
        raise GuardError(
            "not_unreachable",
            f"missing for this excuse: {'; '.join(lacks)}",
            attempts_missing=missing,
            hours=hours(attempts),
            letter_missing=letter is None,
        )


def _text(value: str | None, what: str) -> str | None:
    text = (value or "").strip()
    if len(text) > LONGEST_NOTE:
        raise GuardError("text_too_long", f"{what} has more than {LONGEST_NOTE} characters", field=what)
    return text or None
