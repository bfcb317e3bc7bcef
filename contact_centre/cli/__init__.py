"""The command line: one module per noun, each rendering what the packages return."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from contact_centre.cli.context import Context, ErrorsWithCodes

COMMANDS: Final = {
    "run": "service",
    "doctor": "service",
    "calls": "calls",
    "appeals": "appeals",
    "callbacks": "appeals",
    "duties": "duties",
    "incidents": "incidents",
    "recordings": "recordings",
    "messages": "messages",
    "operators": "operators",
    "tokens": "tokens",
    "reference": "reference",
    "call": "control",
    "control": "control",
    "asterisk": "asterisk",
    "ledger": "ledger",
}
"""Command -> its module here, loaded when it is called for: most need a fraction of what the service needs."""


class Commands(ErrorsWithCodes):
    """The commands, each loaded when it is called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """One of them."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(import_module(f"{__name__}.{COMMANDS[cmd_name]}"), cmd_name)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--config", type=click.Path(path_type=Path), help="The config file [contact-centre.toml].")
@click.option("--state", type=click.Path(path_type=Path), help="The state directory [var].")
@click.version_option(package_name="contact-centre")
@click.pass_context
def cli(context: click.Context, config: Path | None, state: Path | None) -> None:
    """The telephony service of the municipal contact centre."""
    context.obj = Context(config, {} if state is None else {"state": state})


main: Callable[[], Any] = cli
"""The entry point of the ``contact-centre`` program."""
