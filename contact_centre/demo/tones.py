"""Test tones: who is heard where is proved by frequency."""

import audioop
import math
from array import array
from pathlib import Path
from typing import Final

RATE: Final = 8000
AMPLITUDE: Final = 9000
"""Peak of a test tone in 16-bit samples: about -11 dBFS."""


def write_tone(folder: Path, hertz: int) -> Path:
    """Write one second of a tone as A-law (SIPp repeats it without a seam, since a second holds whole waves)."""
    path = folder / f"tone{hertz}.alaw"
    if not path.exists():
        samples = array("h", (round(AMPLITUDE * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(RATE)))
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{id(samples)}")
        temporary.write_bytes(audioop.lin2alaw(samples.tobytes(), 2))
        temporary.replace(path)
    return path
