"""The console as this installation serves it."""

from contact_centre.api.site import Site
from contact_centre.config import Settings
from contact_centre.console.routes import ROUTES
from contact_centre.console.shell import Shell
from contact_centre.console.shift.hub import Hub
from telephony.browser_phones import BrowserPhones
from telephony.switchboard import Switchboard


def build(settings: Settings, site: Site, live: Hub, switchboard: Switchboard) -> Shell:
    """To be mounted beside ``/healthz`` and the API."""
    phones = BrowserPhones(settings.asterisk.config_dir, settings.provision)
    return Shell(site, settings, ROUTES, live, switchboard, phones)
