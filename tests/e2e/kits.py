"""What the cities of the tests are made of."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from contact_centre.demo.root import Kit
from telephony.prompts import LANGUAGE, RATE

WHOLE: Final = frozenset({"recording-notice"})
"""Tests measure around it: operators must not talk over it."""
BRIEF: Final = RATE
"""Bytes of a second: A-law has one for each sample."""


def brief_kit() -> Kit:
    """The kit with prompts of a second each: what is told is read in the ledger, and nobody has to hear it out."""
    kit = Kit.provide()
    brief = kit.sounds.with_name(f"{kit.sounds.name}-brief")
    if not brief.is_dir():
        making = Path(tempfile.mkdtemp(prefix=f".{brief.name}-", dir=brief.parent))
        shutil.copytree(kit.sounds, making, dirs_exist_ok=True)
        for prompt in (making / "sounds" / LANGUAGE).rglob("*.alaw"):
            if prompt.stem not in WHOLE:
                prompt.write_bytes(prompt.read_bytes()[:BRIEF])
        making.chmod(0o755)
        try:
            making.rename(brief)
        except OSError:
            shutil.rmtree(making)  # another worker was first: theirs is the same
    return replace(kit, sounds=brief)
