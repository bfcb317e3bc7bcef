"""The console as this installation serves it."""

from contact_centre.api.site import Site
from contact_centre.config import Settings
from contact_centre.console.routes import ROUTES
from contact_centre.console.shell import Shell
from contact_centre.console.shift.hub import Hub


def build(settings: Settings, site: Site, live: Hub) -> Shell:
    """To be mounted beside ``/healthz`` and the API."""
    return Shell(site, settings.console, ROUTES, live)
