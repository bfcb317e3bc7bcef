"""The pages of coming in and going out. The first two steps also answer to a page that is still open (``in_place``)."""

import math
from datetime import timedelta
from typing import Final

from aiohttp import web

from contact_centre import access_log
from contact_centre.access_log import Event
from contact_centre.console import cookies, credentials, passwords, sessions
from contact_centre.console.cookies import BROWSER, LANGUAGE, SESSION, THEME
from contact_centre.console.languages import LANGUAGES, N_
from contact_centre.console.passwords import WeakPasswordError
from contact_centre.console.presence.leaving import left, take_telephone
from contact_centre.console.render import THEMES
from contact_centre.console.route import EVERYBODY, Asked, Reply, Route, local
from contact_centre.console.sessions import Stage
from contact_centre.console.shell import WHERE_NEXT
from contact_centre.console.signin import entering
from contact_centre.console.signin.entering import Entered, Refused
from contact_centre.console.throttle import Attempt
from contact_centre.writer import SqliteTx

_WRONG: Final = N_("The login or the password is not right. Nothing else is wrong with what you typed.")
_WRONG_CODE: Final = N_("The code is not right, or was used already. Wait for the next one.")
_WAIT: Final = N_("Too many attempts. The next one is looked at in %(seconds)s s; the password stays as it is.")

TOO_SIMPLE: Final = {
    "short": N_("Too short: a password has 12 characters or more. Several words are easier to remember."),
    "long": N_("Too long: a password has 128 characters at most."),
    "guessable": N_("Too easily guessed: it is your name, or few characters over and over."),
    "different": N_("The two passwords differ. Type the same one twice."),
    "same": N_("This is the password that you have. Choose another one."),
}


async def sign_in_page(asked: Asked) -> Reply:
    """Ask for login and password; whoever is in already goes on."""
    session = asked.session
    if session is not None:
        return asked.go(_on(asked)) if session.stage is Stage.IN else asked.go_to(WHERE_NEXT[session.stage])
    return _ask(asked, "sign_in", login="")


async def sign_in(asked: Asked) -> Reply:
    """Look at login and password."""
    login = asked.form.get("login", "").strip()
    outcome = await entering.by_password(asked.site, attempt_of(asked, login), asked.form.get("password", ""))
    if isinstance(outcome, Refused):
        return _refused(asked, outcome, _WRONG, "sign_in", login=login)
    return await _entered(asked, outcome)


async def second_factor_page(asked: Asked) -> Reply:
    """Ask for a code."""
    return _ask(asked, "second_factor")


async def second_factor(asked: Asked) -> Reply:
    """Look at a code."""
    session = asked.signed_in
    attempt = attempt_of(asked, session.person.login)
    outcome = await entering.by_code(asked.site, session, attempt, asked.form.get("code", ""))
    if isinstance(outcome, Refused):
        return _refused(asked, outcome, _WRONG_CODE, "second_factor")
    return await _entered(asked, outcome)


async def new_password_page(asked: Asked) -> Reply:
    """Ask for a password in place of the one that was given out."""
    return _ask(asked, "new_password")


async def new_password(asked: Asked) -> Reply:
    """Keep it, and let the person in."""
    problem = await change_password(asked)
    if isinstance(problem, str):
        return _ask(asked, "new_password", problem)
    response = asked.go(_on(asked))
    cookies.put(response, asked.browser, SESSION, problem.token)
    return response


async def change_password(asked: Asked) -> str | Entered:
    """Keep the password that was typed twice; other sessions end. Returns what is wrong with it, or the way on."""
    person, site, now = asked.person, asked.site, asked.site.clock.now()
    password = asked.form.get("new_password", "")
    try:
        passwords.check(password, person.login, person.name)
    except WeakPasswordError as error:
        return asked.words(TOO_SIMPLE[error.code])
    if asked.form.get("again") != password:
        return asked.words(TOO_SIMPLE["different"])
    async with site.engine.connect() as connection:
        found = await credentials.get(connection, person.login)
    if await entering.matches(found, password):
        return asked.words(TOO_SIMPLE["same"])
    kept = await entering.hashed(password)

    def change(tx: SqliteTx) -> Entered:
        credentials.set_password(tx, person.login, kept, now)
        sessions.end_all(tx, person.login)
        access_log.note(tx, now, person.login, Event.PASSWORD_CHANGED, asked.browser.address)
        return Entered(sessions.begin(tx, person.login, Stage.IN, now), Stage.IN, None)

    entered = await site.writer.run(change)
    await take_telephone(asked.console, person.login)
    return entered


async def sign_out(asked: Asked) -> Reply:
    """Out, in this browser."""
    return await _leave(asked, everywhere=False)


async def sign_out_everywhere(asked: Asked) -> Reply:
    """Out, in every browser."""
    return await _leave(asked, everywhere=True)


async def session_state(asked: Asked) -> Reply:
    """Whether a page that is open still has a session, before a form is sent: for scripts."""
    session = asked.session
    if session is None:
        return web.json_response({"stage": None}, status=401)
    return web.json_response({"stage": session.stage.value, "login": session.person.login, "csrf": session.csrf})


async def preferences(asked: Asked) -> Reply:
    """Language and theme of this browser."""
    response = asked.go(local(asked.form.get("back")) or asked.console.address("home"))
    for field, cookie, known in (("language", LANGUAGE, LANGUAGES), ("theme", THEME, THEMES)):
        chosen = asked.form.get(field)
        if chosen in known:
            cookies.put(response, asked.browser, cookie, str(chosen), cookies.LONG)
    return response


async def _entered(asked: Asked, outcome: Entered) -> Reply:
    """A step further in: tell the page that is open, or go to the next."""
    on = _on(asked)
    if outcome.stage is not Stage.IN and on != asked.console.address("home"):
        following = asked.console.address(WHERE_NEXT[outcome.stage], next=on)
    else:
        following = on if outcome.stage is Stage.IN else asked.console.address(WHERE_NEXT[outcome.stage])
    response: web.Response = asked.go(following)
    if asked.form.get("in_place"):
        csrf = sessions.csrf_of(outcome.token)
        response = web.json_response({"stage": outcome.stage.value, "csrf": csrf})
    cookies.put(response, asked.browser, SESSION, outcome.token)
    if outcome.browser is not None:
        cookies.put(response, asked.browser, BROWSER, outcome.browser, cookies.LONG)
    return response


def _refused(asked: Asked, outcome: Refused, wrong: str, step: str, **typed: str) -> Reply:
    """What was typed is not right: told to the page that is open, or on the page of the step, which asks again."""
    told = asked.words(wrong)
    if outcome.wait > timedelta():
        told = asked.words(_WAIT, seconds=math.ceil(outcome.wait.total_seconds()))
    if asked.form.get("in_place"):
        return web.json_response({"message": told}, status=422)
    return _ask(asked, step, told, **typed)


def _ask(asked: Asked, step: str, error: str | None = None, **typed: str) -> Reply:
    """The page of a step, with what was wrong with the last answer, and what of it need not be typed again."""
    return asked.page(f"signin/{step}.html", 200 if error is None else 422, error=error, next=_on(asked), **typed)


def attempt_of(asked: Asked, login: str) -> Attempt:
    """Somebody wants to prove that this login is theirs."""
    return Attempt(login, asked.browser.address, asked.request.cookies.get(BROWSER))


def _on(asked: Asked) -> str:
    """Where the person wanted to go."""
    wanted = asked.form.get("next") or asked.request.query.get("next")
    return local(wanted) or asked.console.address("home")


async def _leave(asked: Asked, *, everywhere: bool) -> Reply:
    session, now = asked.signed_in, asked.site.clock.now()

    def leave(tx: SqliteTx) -> None:
        event = Event.SIGNED_OUT_EVERYWHERE if everywhere else Event.SIGNED_OUT
        if everywhere:
            sessions.end_all(tx, session.person.login)
        sessions.end(tx, session.digest)
        access_log.note(tx, now, session.person.login, event, asked.browser.address)

    await asked.site.writer.run(leave)
    await left(asked.console, session.person.login)
    response = asked.go_to("sign_in")
    cookies.take(response, SESSION)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


ROUTES: Final = (
    Route(name="sign_in", method="GET", path="/sign-in", do=sign_in_page, roles=None),
    Route(name="enter", method="POST", path="/sign-in", do=sign_in, roles=None),
    Route(
        name="second_factor",
        method="GET",
        path="/second-factor",
        do=second_factor_page,
        roles=EVERYBODY,
        stage=Stage.SECOND_FACTOR,
    ),
    Route(
        name="enter_code",
        method="POST",
        path="/second-factor",
        do=second_factor,
        roles=EVERYBODY,
        stage=Stage.SECOND_FACTOR,
    ),
    Route(
        name="new_password",
        method="GET",
        path="/new-password",
        do=new_password_page,
        roles=EVERYBODY,
        stage=Stage.NEW_PASSWORD,
    ),
    Route(
        name="replace_password",
        method="POST",
        path="/new-password",
        do=new_password,
        roles=EVERYBODY,
        stage=Stage.NEW_PASSWORD,
    ),
    Route(name="sign_out", method="POST", path="/sign-out", do=sign_out, roles=EVERYBODY, stage=None),
    Route(
        name="sign_out_everywhere",
        method="POST",
        path="/sign-out-everywhere",
        do=sign_out_everywhere,
        roles=EVERYBODY,
    ),
    Route(name="session_state", method="GET", path="/session", do=session_state, roles=None),
    Route(name="preferences", method="POST", path="/preferences", do=preferences, roles=None),
)
