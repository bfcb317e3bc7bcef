"""The command line: one module per noun, each rendering what the packages return."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from contact_centre.cli import appeals, asterisk, calls, ledger, operators, recordings, service
from contact_centre.cli.context import Context, ErrorsWithCodes


@click.group(cls=ErrorsWithCodes, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--config", type=click.Path(path_type=Path), help="The config file [contact-centre.toml].")
@click.option("--state", type=click.Path(path_type=Path), help="The state directory [var].")
@click.version_option(package_name="contact-centre")
@click.pass_context
def cli(context: click.Context, config: Path | None, state: Path | None) -> None:
    """The telephony service of the municipal contact centre."""
    context.obj = Context(config, {} if state is None else {"state": state})


_COMMANDS: tuple[click.Command, ...] = (
    service.run,
    service.doctor,
    calls.calls,
    appeals.appeals,
    appeals.callbacks,
    recordings.recordings,
    operators.operators,
    asterisk.asterisk,
    ledger.ledger,
)
for _command in _COMMANDS:
    cli.add_command(_command)

main: Callable[[], Any] = cli
"""The entry point of the ``contact-centre`` program."""
