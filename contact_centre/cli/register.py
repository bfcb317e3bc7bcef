"""``appeals register``, ``route``, ``accept``, ...: one command for each of ``appeals.commands``, made from it.

A field of the command becomes an option, so what the register can do and what the command line offers are the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from datetime import date, datetime
from enum import Enum
from typing import Any, Final, get_type_hints

import click

from appeals import commands, register_store
from appeals.commands import EDITABLE, Command
from appeals.model import Actor, Appeal, Channel
from contact_centre import accounts, views
from contact_centre.cli.context import (
    MOMENT,
    Context,
    NotFoundError,
    json_option,
    local,
    pass_context,
    print_fields,
    print_json,
)
from contact_centre.clock import SystemClock
from contact_centre.writer import SqliteTx

OFFERED: Final = (
    commands.Edit,
    commands.Dismiss,
    commands.Register,
    commands.Answer,
    commands.AskClarification,
    commands.Clarify,
    commands.RouteTo,
    commands.Accept,
    commands.Decline,
    commands.Start,
    commands.Schedule,
    commands.ReportDone,
    commands.NotDone,
    commands.Close,
    commands.RequestReopen,
    commands.Reopen,
    commands.KeepClosed,
    commands.Merge,
    commands.Return,
    commands.NotConsider,
    commands.ForwardOut,
    commands.Extend,
    commands.Withdraw,
)
"""What people do; ``Verify`` is the program's own."""

as_option: Final = click.option("--as", "login", required=True, metavar="LOGIN", help="Who does it.")


def actor_of(tx: SqliteTx, login: str) -> Actor:
    """Whoever gives the command.

    Raises:
        NotFoundError: There is no such account.
    """
    found = accounts.actor(tx, login)
    if found is None:
        raise NotFoundError(f"there is no {login}; `contact-centre operators list` shows who is")
    return found


def identity(tx: SqliteTx, given: str) -> str:
    """An ``appeal_id`` from itself or from a registration number."""
    return register_store.find(tx, given) or given


def _set_option(required: bool) -> Callable[[Any], Any]:
    return click.option(
        "--set",
        "changes",
        multiple=True,
        required=required,
        metavar="FIELD=VALUE",
        help=f"May be given more than once; an empty value empties it. Fields: {', '.join(sorted(EDITABLE))}.",
    )


def _changes(given: tuple[str, ...]) -> dict[str, str | bool | None]:
    changes: dict[str, str | bool | None] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise click.BadParameter(f"{one!r}: write FIELD=VALUE", param_hint="--set")
        if name not in EDITABLE:
            fields_ = ", ".join(sorted(EDITABLE))
            raise click.BadParameter(f"there is no field {name!r}; there are {fields_}", param_hint="--set")
        changes[name] = (value.lower() in {"yes", "true", "1"}) if name == "privileged" else value or None
    return changes


def _option(field: Field[Any], hint: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - a type
    """The option of a command's field."""
    required = field.default is MISSING and field.default_factory is MISSING
    if field.name == "changes":
        return _set_option(required)
    name = f"--{field.name.replace('_', '-')}"
    kinds = [one for one in getattr(hint, "__args__", (hint,)) if isinstance(one, type)]
    kind = kinds[0] if kinds else str
    if kind is bool:
        return click.option(name, is_flag=True)
    if getattr(hint, "__origin__", None) is tuple:
        return click.option(name, multiple=True)
    if issubclass(kind, Enum):
        values = [one.value for one in kind]
        default = None if required or field.default is None else field.default.value
        return click.option(name, type=click.Choice(values), required=required, default=default)
    if issubclass(kind, date):
        return click.option(name, type=MOMENT, required=required)
    return click.option(name, required=required)


def _value(hint: Any, value: Any) -> Any:  # noqa: ANN401 - from click to a field, whatever it is
    kinds = [one for one in getattr(hint, "__args__", (hint,)) if isinstance(one, type)]
    kind = kinds[0] if kinds else str
    if value is None:
        return None
    if issubclass(kind, Enum):
        return kind(value)
    return value.date() if kind is date and isinstance(value, datetime) else value


def print_appeal(appeal: Appeal, *, as_json: bool) -> None:
    """An appeal after a command: where it stands, and what is owed."""
    if as_json:
        print_json(views.plain(appeal))
        return
    owed = [f"{duty.kind.value} ({duty.reason})" for duty in appeal.duties if duty.closed_at is None]
    told: Mapping[str, object] = {
        "appeal": appeal.registration_number or appeal.appeal_id,
        "status": appeal.status.value,
        "service": appeal.service or (f"{appeal.proposed_service} (proposed)" if appeal.proposed_service else None),
        "due": local(appeal.due_at),
        "legal limit": local(appeal.legal_due_at),
        "owed": ", ".join(owed) or None,
    }
    print_fields({name: value for name, value in told.items() if value})


def _made(command: type[Command]) -> click.Command:
    hints = get_type_hints(command)

    def run(context: Context, appeal: str, login: str, as_json: bool, **given: Any) -> None:  # noqa: ANN401
        from contact_centre.register_desk import desk_of  # noqa: PLC0415 - most commands need no register

        changes = {"changes": _changes(given.pop("changes"))} if "changes" in given else {}
        built = command(**{name: _value(hints[name], value) for name, value in given.items()}, **changes)
        desk = desk_of(context.settings, SystemClock())
        done = context.write(lambda tx: desk.perform(tx, identity(tx, appeal), built, actor_of(tx, login)))
        print_appeal(done, as_json=as_json)

    decorated: Any = pass_context(run)
    decorated = json_option(as_option(decorated))
    for field in reversed(fields(command)):
        decorated = _option(field, hints[field.name])(decorated)
    decorated = click.argument("appeal")(decorated)
    told = (command.__doc__ or "").replace("``", "")
    short = told.partition("\n")[0].partition(";")[0].rstrip(".")
    return click.command(command.action.replace("_", "-"), help=told, short_help=short)(decorated)


COMMANDS: Final = tuple(_made(one) for one in OFFERED)


@click.command("create")
@click.option("--channel", type=click.Choice(["web", "written", "visit"]), required=True)
@_set_option(required=False)
@as_option
@json_option
@pass_context
def create(context: Context, channel: str, changes: tuple[str, ...], login: str, as_json: bool) -> None:
    """Write down an appeal that did not come by telephone; it is a draft until it is registered."""
    from contact_centre.register_desk import desk_of  # noqa: PLC0415 - most commands need no register

    desk = desk_of(context.settings, SystemClock())
    edit = commands.Edit(changes=_changes(changes))
    done = context.write(lambda tx: desk.create(tx, actor_of(tx, login), Channel(channel), edit))
    print_appeal(done, as_json=as_json)
