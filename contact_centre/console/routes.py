"""The one table of pages and actions, with who may use each; the router and the tests are made from it."""

from typing import Final

from contact_centre.console.calls import pages as calls
from contact_centre.console.desk import pages as desk
from contact_centre.console.desk import phone
from contact_centre.console.directory import pages as directory
from contact_centre.console.duties import pages as duties
from contact_centre.console.home import pages as home
from contact_centre.console.presence import pages as presence
from contact_centre.console.register import pages as register
from contact_centre.console.route import Route
from contact_centre.console.shift import pages as shift
from contact_centre.console.signin import account
from contact_centre.console.signin import pages as signin

ROUTES: Final[tuple[Route, ...]] = (
    *home.ROUTES,
    *desk.ROUTES,
    *phone.ROUTES,
    *presence.ROUTES,
    *duties.ROUTES,
    *directory.ROUTES,
    *shift.ROUTES,
    *register.ROUTES,
    *calls.ROUTES,
    *signin.ROUTES,
    *account.ROUTES,
)
