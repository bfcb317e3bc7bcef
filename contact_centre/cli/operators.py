"""``operators add``, ``list`` and ``remove``: accounts and their phones, loaded into Asterisk without a restart."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import click

from appeals import reference_store
from appeals.errors import UnknownReferenceError
from appeals.reference import Reference
from contact_centre import accounts, views
from contact_centre.cli.context import (
    Context,
    NotFoundError,
    json_option,
    pass_context,
    print_json,
    print_table,
)
from contact_centre.clock import SystemClock
from contact_centre.config import AsteriskSettings
from contact_centre.hours import parse as parse_hours
from contact_centre.writer import SqliteTx
from telephony import control, phones
from telephony.browser_phones import BrowserPhones
from telephony.links.ami_session import AmiAddress
from telephony.phones import NewPhone, Phone, PhoneError
from telephony.provision import CLI_USER, ami_secret
from telephony.switchboard import AsteriskSwitchboard, endpoint_of
from telephony.wire.ami import AmiError

FIRST_EXTENSION = 201
"""Where extensions begin when none is named."""
LONGEST_NAME = 100
LOADED_LATER = "the files are written; Asterisk loads them at its next start or reload"
STILL_IN_QUEUE = "their sessions are ended; if they are in the queue, *12 on their telephone takes them out"


_hours: Final = click.option(
    "--hours", help="When they can be put through to: 24/7, office, or mon-fri 08:00-20:00, sat 09:00-14:00 [always]."
)


@click.group()
def operators() -> None:
    """Operators and specialists: accounts, roles and SIP phones."""


@operators.command()
@click.argument("login")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", "roles", multiple=True, type=click.Choice(accounts.ROLES), help="May be given more than once.")
@click.option("--extension", help="The short number that reaches the phone [the next free one].")
@click.option("--browser", is_flag=True, help="The telephone is the operator's page, not a SIP phone on the table.")
@click.option("--service", help="The service (its code in the reference data) for which an executor acts.")
@click.option("--desk", "desks", multiple=True, help="A restricted desk whose appeals this person sees: counselling.")
@_hours
@json_option
@pass_context
def add(
    context: Context,
    login: str,
    name: str,
    roles: tuple[str, ...],
    extension: str | None,
    browser: bool,
    service: str | None,
    desks: tuple[str, ...],
    hours: str | None,
    as_json: bool,
) -> None:
    """Add a person. Operators, specialists and supervisors get a SIP phone; its password is shown once, here.

    With --browser the telephone is the operator's page, which is given an account of its own at each sign-in.
    """
    name = " ".join(name.split())
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise click.BadParameter(f"one line of printable text, {LONGEST_NAME} letters at most", param_hint="--name")
    asterisk = context.settings.asterisk
    roles = tuple(dict.fromkeys(roles)) or ("operator",)
    if ("executor" in roles) != (service is not None):
        raise click.UsageError("an executor acts for a service, and nobody else does: --role executor --service CODE")
    if browser and _kind(roles) != "operator":
        raise click.UsageError("--browser is for operators and supervisors: their page is their telephone")
    person = _Person(login, name, roles, service, tuple(dict.fromkeys(desks)), hours)
    if not accounts.WITH_PHONE.intersection(roles) and extension is None and not browser:
        context.write(lambda tx: _keep(tx, person, None))
        if as_json:
            print_json(views.plain(person))
            return
        click.echo(f"{name}: {', '.join(roles)}")
        return
    made = context.write(lambda tx: _make(tx, asterisk, person, extension, browser=browser))
    loaded = _tell_asterisk(asterisk, control.reload_phones)
    if as_json:
        print_json(views.plain(person) | _plain(made) | {"loaded": loaded})
        return
    click.echo(f"{name}: {', '.join(roles)}")
    _show(made)


@operators.command()
@click.argument("login")
@click.option("--browser/--sip", required=True, help="The operator's page, or a SIP phone on the table.")
@json_option
@pass_context
def phone(context: Context, login: str, browser: bool, as_json: bool) -> None:
    """Change an operator's telephone: the page, or a SIP phone, whose new password is shown once, here.

    Login, extension and place in the queue stay. The telephone before loses its account.
    """
    asterisk = context.settings.asterisk
    there = next((one for one in phones.listed(asterisk.config_dir) if one.endpoint == f"operator-{login}"), None)
    if there is None:
        raise NotFoundError(f"no operator {login} has a telephone; `contact-centre operators list` shows who is")
    made = phones.add(asterisk.config_source, asterisk.config_dir, replace(there, browser=browser))
    BrowserPhones(asterisk.config_dir, context.settings.provision).revoke(login)
    loaded = _tell_asterisk(asterisk, control.reload_phones)
    if as_json:
        print_json({"login": login} | _plain(made) | {"loaded": loaded})
        return
    _show(made)


@operators.command()
@click.argument("login")
@_hours
@pass_context
def hours(context: Context, login: str, hours: str | None) -> None:
    """Change when a person can be put through to; without --hours, always."""

    def keep(tx: SqliteTx) -> bool:
        if hours is not None:
            _check_hours(hours, reference_store.current(tx))
        return accounts.keep_hours(tx, login, hours)

    if not context.write(keep):
        raise NotFoundError(f"there is no {login}; `contact-centre operators list` shows who is")
    click.echo(f"{login} can be put through to: {hours or 'always'}.")


@operators.command("list")
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List everybody."""
    found = context.read(accounts.all_accounts)
    if as_json:
        print_json([views.plain(one) for one in found])
        return
    print_table(
        ((one.login, one.name, ", ".join(one.roles), one.extension, one.sip_account, one.hours) for one in found),
        ("login", "name", "roles", "extension", "SIP account", "hours"),
        "Nobody yet. Add the first operator: contact-centre operators add olena --name 'Олена Ткачук'",
    )


@operators.command()
@click.argument("login")
@pass_context
def remove(context: Context, login: str) -> None:
    """Remove a person: the account, the phone and its place in the queue. Calls and appeals keep the login."""
    asterisk = context.settings.asterisk
    found = {one.login: one for one in context.read(accounts.all_accounts)}.get(login)
    if found is None:
        raise NotFoundError(f"there is no {login}; `contact-centre operators list` shows who is")
    sip_account = found.sip_account
    if sip_account is None:
        context.write(lambda tx: accounts.remove(tx, login))
        click.echo(f"{found.name} ({login}) is removed.")
        return
    kind: phones.Kind = "specialist" if sip_account.startswith("specialist-") else "operator"

    def take_away(tx: SqliteTx) -> None:
        accounts.remove(tx, login)
        phones.remove(asterisk.config_dir, kind, login)

    context.write(take_away)
    if kind == "operator":
        BrowserPhones(asterisk.config_dir, context.settings.provision).revoke(login)

    async def forget(address: AmiAddress) -> None:
        await _out_of_the_queue(address, sip_account)
        await control.reload_phones(address)

    _tell_asterisk(asterisk, forget)
    click.echo(f"{found.name} ({login}) is removed.")


@operators.command()
@click.argument("login")
@click.option("--generate", is_flag=True, help="Make a one-time password, which the person replaces at first sign-in.")
@click.option("--without-second-factor", is_flag=True, help="Also stop asking for the codes of a lost authenticator.")
@json_option
@pass_context
def password(context: Context, login: str, generate: bool, without_second_factor: bool, as_json: bool) -> None:
    """Give a person a password for the console: asked for twice, or made. Ends all their sessions."""
    from contact_centre.console import keys, passwords  # noqa: PLC0415 - hashing is needed here alone

    found = {one.login: one for one in context.read(accounts.all_accounts)}.get(login)
    if found is None:
        raise NotFoundError(f"there is no {login}; `contact-centre operators list` shows who is")
    if generate:
        given = passwords.one_time()
    else:
        given = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        try:
            passwords.check(given, login, found.name)
        except passwords.WeakPasswordError as error:
            raise click.UsageError(str(error)) from error
    hashed, now = passwords.hashed(given), SystemClock().now()
    ended = context.write(
        lambda tx: keys.give(tx, login, hashed, now, one_time=generate, without_second_factor=without_second_factor)
    )
    if ended and found.sip_account == endpoint_of(login):
        _leave(context, login)
    if as_json:
        print_json({"login": login, "one_time_password": given if generate else None})
    elif generate:
        click.echo(f"{found.name} ({login})")
        click.echo(f"  one-time password   {given}   (shown only now)")
        click.echo(f"  It is replaced at the first sign-in, within {keys.ONE_TIME_FOR.days} days.")
    else:
        click.echo(f"{found.name} ({login}) signs in with the new password from now on.")


def _leave(context: Context, login: str) -> None:
    """Signed out of the console everywhere: as by signing out there, no calls come, and no page telephones."""
    asterisk = context.settings.asterisk
    BrowserPhones(asterisk.config_dir, context.settings.provision).revoke(login)
    _tell_asterisk(asterisk, lambda address: _out_of_the_queue(address, endpoint_of(login)), STILL_IN_QUEUE)


async def _out_of_the_queue(address: AmiAddress, endpoint: str) -> None:
    async with control.session(address) as ami:
        await AsteriskSwitchboard(ami, lambda: address).sign_out(endpoint)


@dataclass(frozen=True, slots=True)
class _Person:
    login: str
    name: str
    roles: tuple[str, ...]
    service: str | None
    desks: tuple[str, ...]
    hours: str | None


def _kind(roles: Sequence[str]) -> phones.Kind:
    return "specialist" if "specialist" in roles and "operator" not in roles else "operator"


def _plain(made: NewPhone) -> dict[str, Any]:
    return {
        "extension": made.phone.extension,
        "sip_account": made.phone.endpoint,
        "sip_password": made.password or None,
        "browser": made.phone.browser,
    }


def _show(made: NewPhone) -> None:
    if made.phone.browser:
        click.echo("  telephone     the operator's page")
        click.echo(f"  extension     {made.phone.extension}")
        return
    click.echo(f"  SIP account   {made.phone.endpoint}")
    click.echo(f"  password      {made.password}   (shown only now)")
    click.echo(f"  extension     {made.phone.extension}")
    if made.phone.kind == "operator":
        click.echo("  On the phone: *11 signs in to the queue, *12 signs out.")


def _make(
    tx: SqliteTx, asterisk: AsteriskSettings, person: _Person, extension: str | None, *, browser: bool
) -> NewPhone:
    """Account and phone files together: the account is kept only if the files could be written."""
    etc = asterisk.config_dir
    if not (etc / "phones.d").is_dir():
        raise PhoneError(
            f"{etc}: no configuration of ours; `contact-centre asterisk install`, or set asterisk.config_dir"
        )
    taken = {phone.extension for phone in phones.listed(etc)} | set(accounts.extensions(tx).values())
    chosen = extension or next(one for one in map(str, range(FIRST_EXTENSION, 99999)) if one not in taken)
    phone = Phone(_kind(person.roles), person.login, chosen, browser)
    _keep(tx, person, phone)
    return phones.add(asterisk.config_source, etc, phone)


def _keep(tx: SqliteTx, person: _Person, phone: Phone | None) -> None:
    if accounts.exists(tx, person.login):
        raise PhoneError(f"login {person.login} is taken; see `contact-centre operators list`")
    if person.service is not None or person.desks or person.hours is not None:
        _check(reference_store.current(tx), person)
    try:
        accounts.add(
            tx,
            login=person.login,
            name=person.name,
            roles=person.roles,
            extension=None if phone is None else phone.extension,
            sip_account=None if phone is None else phone.endpoint,
            at=SystemClock().now(),
            service=person.service,
            desks=person.desks,
            hours=person.hours,
        )
    except sqlite3.IntegrityError as error:
        taken = "?" if phone is None else phone.extension
        raise PhoneError(f"extension {taken} is taken; see `contact-centre operators list`") from error


def _check(reference: Reference, person: _Person) -> None:
    """Services and desks are those of the reference data, hours in its notation.

    Raises:
        UnknownReferenceError: One is not.
        click.BadParameter: The hours are none.
    """
    if person.service is not None:
        reference.service(person.service)
    desks = {category.desk for category in reference.categories.values()}
    for desk in person.desks:
        if desk not in desks:
            raise UnknownReferenceError("desk", desk)
    if person.hours is not None:
        _check_hours(person.hours, reference)


def _check_hours(text: str, reference: Reference) -> None:
    try:
        parse_hours(text, reference.calendar)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--hours") from error


def _tell_asterisk(
    asterisk: AsteriskSettings, act: Callable[[AmiAddress], Coroutine[Any, Any, None]], otherwise: str = LOADED_LATER
) -> bool:
    """Ask Asterisk to act on the change; if it cannot be asked, say what will happen instead."""
    try:
        secret = ami_secret(asterisk.config_dir, CLI_USER)
        asyncio.run(act(AmiAddress(asterisk.ami_host, asterisk.ami_port, CLI_USER, secret)))
    except (AmiError, OSError) as error:
        told = f"no AMI secret: {error}" if isinstance(error, OSError) else error
        click.echo(f"contact-centre: {told}", err=True)
        click.echo(f"contact-centre: {otherwise}", err=True)
        return False
    return True
