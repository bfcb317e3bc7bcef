"""One's own account: the password, the second factor, and where one is signed in."""

from typing import Final

from contact_centre import access_log
from contact_centre.access_log import Event
from contact_centre.console import cookies, credentials, second_factor, sessions
from contact_centre.console.cookies import SESSION
from contact_centre.console.languages import N_
from contact_centre.console.route import EVERYBODY, Asked, Reply, Route
from contact_centre.console.signin import entering
from contact_centre.console.signin.pages import attempt_of, change_password
from contact_centre.writer import SqliteTx

SHOWN: Final = 20
"""Of what happened to the account."""

_NOT_YOURS: Final = N_("This is not the password that you have.")
_NO_CODE: Final = N_("The code is not right. Look at the clock of the telephone, and type the next code.")
_CHANGED: Final = N_("The password is changed. Other browsers are signed out.")


async def account_page(asked: Asked) -> Reply:
    """What there is of the account."""
    return await _account(asked)


async def new_password(asked: Asked) -> Reply:
    """Change the password: the present one is asked for, so that nobody does it at a desk that was left open."""
    if not await _own_password(asked):
        return await _account(asked, password_error=asked.words(_NOT_YOURS))
    outcome = await change_password(asked)
    if isinstance(outcome, str):
        return await _account(asked, password_error=outcome)
    response = asked.go_to("account", done="password")
    cookies.put(response, asked.browser, SESSION, outcome.token)
    return response


async def propose(asked: Asked) -> Reply:
    """Make a secret for an authenticator; nothing is asked for until a code of it has come back."""
    if not await _own_password(asked):
        return await _account(asked, factor_error=asked.words(_NOT_YOURS))
    login, secret = asked.person.login, second_factor.new_secret()
    await asked.site.writer.run(lambda tx: credentials.propose_totp(tx, login, secret))
    return asked.go_to("enrol")


async def enrol_page(asked: Asked) -> Reply:
    """Show the secret as a QR code, and ask for a code."""
    return await _enrol(asked)


async def confirm(asked: Asked) -> Reply:
    """The code came back: from now on it is asked for. Recovery codes are shown this once."""
    person, now, site = asked.person, asked.site.clock.now(), asked.site
    codes = second_factor.new_recovery_codes()

    def switch_on(tx: SqliteTx) -> bool:
        found = credentials.load(tx, person.login)
        if found is None or found.totp_on or found.totp_secret is None:
            return False
        step = second_factor.used_step(found.totp_secret, asked.form.get("code", ""), now, None)
        if step is None:
            return False
        digests = [second_factor.recovery_digest(code) for code in codes]
        access_log.note(tx, now, person.login, Event.SECOND_FACTOR_ON, asked.browser.address)
        return credentials.confirm_totp(tx, person.login, step, now, digests)

    if not await site.writer.run(switch_on):
        return await _enrol(asked, asked.words(_NO_CODE))
    return asked.page("signin/recovery_codes.html", codes=codes)


async def switch_off(asked: Asked) -> Reply:
    """The password alone is asked for again."""
    person, now = asked.person, asked.site.clock.now()
    if not await _own_password(asked):
        return await _account(asked, factor_error=asked.words(_NOT_YOURS))

    def off(tx: SqliteTx) -> None:
        credentials.without_totp(tx, person.login)
        access_log.note(tx, now, person.login, Event.SECOND_FACTOR_OFF, asked.browser.address)

    await asked.site.writer.run(off)
    return asked.go_to("account")


async def _own_password(asked: Asked) -> bool:
    """Whether the present password was typed; guessing it at somebody's open desk is as slow as at the door."""
    return await entering.again(asked.site, attempt_of(asked, asked.person.login), asked.form.get("password", ""))


async def _account(asked: Asked, password_error: str | None = None, factor_error: str | None = None) -> Reply:
    site, login = asked.site, asked.person.login
    async with site.reading() as connection:
        found = await credentials.get(connection, login)
        entries = await access_log.latest(connection, login, SHOWN)
        browsers = await sessions.how_many(connection, login, site.clock.now(), asked.console.limits)
        left = await credentials.codes_left(connection, login)
    wrong = password_error or factor_error
    return asked.page(
        "signin/account.html",
        422 if wrong else 200,
        factor_on=found is not None and found.totp_on,
        codes_left=left,
        entries=entries,
        browsers=browsers,
        password_error=password_error,
        factor_error=factor_error,
        done=asked.words(_CHANGED) if asked.request.query.get("done") == "password" else None,
    )


async def _enrol(asked: Asked, error: str | None = None) -> Reply:
    async with asked.site.engine.connect() as connection:
        found = await credentials.get(connection, asked.person.login)
    if found is None or found.totp_on or found.totp_secret is None:
        return asked.go_to("account")
    return asked.page(
        "signin/enrol.html",
        422 if error else 200,
        error=error,
        secret=found.totp_secret,
        picture=second_factor.qr_code(found.totp_secret, asked.person.login),
    )


ROUTES: Final = (
    Route(name="account", method="GET", path="/account", do=account_page, roles=EVERYBODY),
    Route(name="change_password", method="POST", path="/account/password", do=new_password, roles=EVERYBODY),
    Route(name="propose_factor", method="POST", path="/account/second-factor", do=propose, roles=EVERYBODY),
    Route(name="enrol", method="GET", path="/account/second-factor", do=enrol_page, roles=EVERYBODY),
    Route(name="confirm_factor", method="POST", path="/account/second-factor/code", do=confirm, roles=EVERYBODY),
    Route(name="factor_off", method="POST", path="/account/second-factor/off", do=switch_off, roles=EVERYBODY),
)
