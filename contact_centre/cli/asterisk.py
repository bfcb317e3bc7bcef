"""``asterisk install``: our configuration, folders and prompts for the Asterisk of this host."""

import grp
import os
import shutil
from pathlib import Path
from typing import Final

import click

from contact_centre.cli.context import Context, pass_context
from contact_centre.config import AsteriskSettings
from telephony import prompts
from telephony.provision import AsteriskPaths, ProvisionError, install, prepare_folders

MODULE_FOLDERS: Final = ("/usr/lib/*/asterisk/modules", "/usr/lib/asterisk/modules", "/usr/lib64/asterisk/modules")
SHARED_FOLDER: Final = 0o2770
"""Configuration folders are setgid to the shared group, so that phones added later can be read by Asterisk."""


@click.group()
def asterisk() -> None:
    """Asterisk's configuration."""


@asterisk.command("install")
@click.option("--no-prompts", is_flag=True, help="Leave the sounds as they are (studio recordings, another host).")
@pass_context
def install_(context: Context, no_prompts: bool) -> None:
    """Write configuration, folders and Ukrainian prompts for the Asterisk of this host.

    Secrets and phones that are there already stay. Settings: [asterisk] and [provision] of the config file.
    """
    settings = context.settings
    paths = host_paths(settings.asterisk)
    group = settings.provision.run_group
    _share(paths.etc, group)
    install(settings.asterisk.config_source, paths.etc, paths, settings.provision)
    prepare_folders(paths, group)
    click.echo(f"Configuration in {paths.etc}; ledger {paths.ledger}; audio {paths.audio}")
    if not no_prompts:
        _speak(settings.asterisk.config_source, paths.data)
    click.echo("Restart Asterisk to load it (later changes of phones need no restart). Then: contact-centre doctor")


def host_paths(settings: AsteriskSettings) -> AsteriskPaths:
    """Debian's folders, with ours where the settings say.

    Raises:
        ProvisionError: No Asterisk is installed, or the ledger is not where cel_custom writes it.
    """
    modules = next((found for pattern in MODULE_FOLDERS for found in sorted(Path("/").glob(pattern[1:]))), None)
    if modules is None:
        raise ProvisionError("no Asterisk is installed on this host; see docs/operations.md")
    paths = AsteriskPaths(
        etc=settings.config_dir,
        modules=modules,
        lib=Path("/var/lib/asterisk"),
        cache=Path("/var/cache/asterisk"),
        data=Path("/usr/local/share/contact-centre/asterisk"),
        spool=Path("/var/spool/asterisk"),
        run=Path("/run/asterisk"),
        log=settings.ledger.parent.parent,
        audio=settings.audio_dir,
    )
    if paths.ledger != settings.ledger:
        raise ProvisionError(f"asterisk.ledger must end with cel-custom/cel_master.jsonl, not {settings.ledger}")
    return paths


def _share(etc: Path, group: str | None) -> None:
    for folder in (etc, etc / "generated", etc / "phones.d", etc / "extensions.d"):
        folder.mkdir(parents=True, exist_ok=True)
        if group is not None:
            try:
                os.chown(folder, -1, grp.getgrnam(group).gr_gid)
            except KeyError as error:
                raise ProvisionError(f"provision.run_group: there is no group {group}; create it first") from error
        folder.chmod(SHARED_FOLDER)


def _speak(source: Path, data: Path) -> None:
    if shutil.which("espeak-ng") is None:
        raise ProvisionError("espeak-ng is not installed: apt-get install espeak-ng, or use --no-prompts and your own")
    click.echo("Speaking the Ukrainian prompts ...")
    prompts.install_sounds(prompts.build(source, data.with_name("prompts")), data)
    documentation, shipped = data / "documentation", Path("/usr/share/asterisk/documentation")
    if shipped.is_dir() and not documentation.exists():
        documentation.symlink_to(shipped)
    click.echo(f"Prompts in {data}; replace any file with a studio recording of the same name.")
