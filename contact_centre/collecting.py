"""How often Python looks for circular garbage, of which folding and keeping calls make next to none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

COLLECT_AFTER: Final = 20_000
"""New objects between two collections; by default 700, which took a fifth of a rebuild's time."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Meanwhile collect seldom, and never look again at what was loaded before."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
