"""The desk: the one page of an operator on duty."""

from typing import Final

from contact_centre.console.languages import N_
from contact_centre.console.route import Asked, Reply, Route

ROLES: Final = frozenset({"operator", "supervisor"})


async def desk_page(asked: Asked) -> Reply:
    """The page; what happens on it comes by ``live``."""
    return asked.page("desk/desk.html")


ROUTES: Final = (Route(name="desk", method="GET", path="/desk", do=desk_page, roles=ROLES, menu=N_("Desk")),)
