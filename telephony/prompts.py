"""Makes every sound that our Asterisk can play: Ukrainian prompts, signals and music on hold.

The texts are in ``asterisk-config/prompts.toml``. espeak-ng speaks them, pydub trims, levels and resamples them to
8 kHz mono A-law, the trunk's own format, so that playing one costs no transcoding. The result is kept in a cache
folder named by the hash of texts and recipe.
"""

import hashlib
import io
import math
import shutil
import subprocess
import tempfile
import tomllib
import warnings
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore"
    )  # pydub looks for an ffmpeg on PATH (we need none); audioop is a package from 3.13 on
    import audioop

    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

RATE: Final = 8000
"""Samples per second of everything on the trunk."""

LANGUAGE: Final = "uk"
"""The folder of the prompts, and ``defaultlanguage`` of asterisk.conf."""

LEVEL_DBFS: Final = -19.0
"""Mean loudness of speech (RMS against full scale)."""

PEAK_DBFS: Final = -3.0
"""No sample is louder than this, whatever the mean."""

MUSIC_DBFS: Final = -30.0
"""Music stays well below speech: people talk to each other while they wait."""

_RECIPE: Final = 3
"""Part of the cache key: raise it when the processing changes."""

_SPEECH: Final = ("-v", LANGUAGE, "-s", "150", "-p", "45", "--stdout")
_SPEECH_SECONDS: Final = 60.0
_EDGE_MS: Final = 40
_SILENCE_DBFS: Final = -45.0
_TELEPHONE_BAND_HZ: Final = 3400


class PromptError(RuntimeError):
    """A prompt could not be made."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What prompts.toml says: names (``digits/5``) with their texts, signals, and the length of the music."""

    prompts: Mapping[str, str]
    tones: Mapping[str, Sequence[tuple[int, int]]]
    music_seconds: int

    @property
    def names(self) -> frozenset[str]:
        """Every sound there is, as the dialplan names it."""
        return frozenset(self.prompts) | frozenset(self.tones)


def read_texts(source: Path) -> Texts:
    """Read ``prompts.toml`` of the folder ``asterisk-config``."""
    document = tomllib.loads((source / "prompts.toml").read_text("utf-8"))
    prompts: dict[str, str] = {}
    for name, value in document["prompts"].items():
        if isinstance(value, dict):
            prompts.update({f"{name}/{key}": text for key, text in value.items()})
        else:
            prompts[name] = value
    tones = {name: [(int(hz), int(ms)) for hz, ms in steps] for name, steps in document["tones"].items()}
    return Texts(prompts, tones, int(document["music"]["seconds"]))


def build(source: Path, cache: Path, speaker: Sequence[str] = ("espeak-ng",)) -> Path:
    """Make all sounds, or find them made before.

    Args:
        source: the folder ``asterisk-config``.
        cache: the folder in which results are kept; several may build at once.
        speaker: the command that runs espeak-ng (``chroot ROOT espeak-ng``).

    Returns:
        A folder with ``sounds/uk/**.alaw`` and ``moh/*.alaw``: Asterisk's data directory.

    Raises:
        PromptError: espeak-ng fails, or says nothing.
    """
    texts = read_texts(source)
    key = hashlib.sha256(repr((_RECIPE, _SPEECH, texts)).encode()).hexdigest()[:16]
    done = cache / f"prompts-{key}"
    if done.is_dir():
        return done
    cache.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".prompts-", dir=cache))
    making.chmod(0o755)
    try:
        folder = making / "sounds" / LANGUAGE
        for name, text in texts.prompts.items():
            _store(folder / f"{name}.alaw", _spoken(speaker, text))
        for name, steps in texts.tones.items():
            _store(folder / f"{name}.alaw", signal(steps))
        _store(making / "moh" / "quiet-evening.alaw", music(texts.music_seconds))
        try:
            making.rename(done)
        except OSError:
            if not done.is_dir():  # somebody else was first: theirs is the same
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return done


def install_sounds(built: Path, data: Path) -> None:
    """Copy built sounds into Asterisk's data directory; files of other names there (studio recordings) stay."""
    shutil.copytree(built, data, dirs_exist_ok=True)


def signal(steps: Sequence[tuple[int, int]]) -> AudioSegment:
    """A signal of pure tones: pairs of frequency in Hz (0: silence) and length in milliseconds."""
    samples = array("h")
    for hz, milliseconds in steps:
        count = RATE * milliseconds // 1000
        edge = RATE // 100
        samples.extend(
            round(9000 * math.sin(2 * math.pi * hz * n / RATE) * min(1.0, n / edge, (count - n) / edge))
            for n in range(count)
        )
    return _segment(samples)


def music(seconds: int) -> AudioSegment:
    """Quiet music made of plucked tones over a slow chord sequence; its end leads into its beginning."""
    chords = ((220, 277, 330, 440), (185, 277, 330, 370), (294, 370, 440, 587), (247, 330, 415, 494))
    figure = (0, 2, 1, 3, 2, 1, 2, 3)
    step = RATE // 2
    total = seconds * RATE
    mix = [0.0] * total
    notes: dict[int, Sequence[float]] = {}
    for index, start in enumerate(range(0, total, step)):
        hz = chords[index // len(figure) % len(chords)][figure[index % len(figure)]]
        note = notes.setdefault(hz, _plucked(hz))
        for offset, value in enumerate(note):
            mix[(start + offset) % total] += value
    peak = max(abs(value) for value in mix)
    segment = _segment(array("h", (round(value / peak * 20000) for value in mix)))
    return segment.apply_gain(MUSIC_DBFS - segment.dBFS)


def alaw(segment: AudioSegment) -> bytes:
    """The A-law bytes of an 8 kHz mono segment."""
    return audioop.lin2alaw(segment.raw_data, 2)


def _plucked(hz: int) -> Sequence[float]:
    count = RATE * 2
    attack = RATE // 50
    overtones = ((1, 1.0), (2, 0.35), (3, 0.12))
    return [
        min(1.0, n / attack)
        * math.exp(-2.2 * n / RATE)
        * sum(share * math.sin(2 * math.pi * hz * order * n / RATE) for order, share in overtones)
        for n in range(count)
    ]


def _spoken(speaker: Sequence[str], text: str) -> AudioSegment:
    try:
        result = subprocess.run(  # noqa: S603 - the command is ours, the text is an argument after --
            [*speaker, *_SPEECH, "--", text], capture_output=True, timeout=_SPEECH_SECONDS, check=False
        )
    except OSError as error:
        raise PromptError(f"cannot run {' '.join(speaker)}: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise PromptError(f"espeak-ng took more than {_SPEECH_SECONDS:.0f} s for {text!r}") from error
    if result.returncode != 0 or not result.stdout:
        raise PromptError(f"espeak-ng could not say {text!r}: {result.stderr.decode(errors='replace').strip()}")
    return levelled(AudioSegment.from_wav(io.BytesIO(_with_lengths(result.stdout))))


def levelled(speech: AudioSegment) -> AudioSegment:
    """Trim silence at both ends, bring to the telephone's band and rate, and to the house's loudness.

    Raises:
        PromptError: there is nothing but silence.
    """
    telephone: AudioSegment = (
        speech.set_channels(1).set_sample_width(2).low_pass_filter(_TELEPHONE_BAND_HZ).set_frame_rate(RATE)
    )
    before = detect_leading_silence(telephone, _SILENCE_DBFS)
    after = detect_leading_silence(telephone.reverse(), _SILENCE_DBFS)
    if before + after >= len(telephone):
        raise PromptError("a prompt is silent")
    trimmed = telephone[max(0, before - _EDGE_MS) : len(telephone) - max(0, after - _EDGE_MS)]
    gain = min(LEVEL_DBFS - trimmed.dBFS, PEAK_DBFS - trimmed.max_dBFS)
    return trimmed.apply_gain(gain)


def _with_lengths(wav: bytes) -> bytes:
    # espeak-ng writes to a pipe and cannot go back to fill in the sizes of RIFF and of its chunks.
    head = wav.index(b"data") + 8
    return (
        b"RIFF"
        + (len(wav) - 8).to_bytes(4, "little")
        + wav[8 : head - 4]
        + (len(wav) - head).to_bytes(4, "little")
        + wav[head:]
    )


def _segment(samples: "array[int]") -> AudioSegment:
    return AudioSegment(data=samples.tobytes(), sample_width=2, frame_rate=RATE, channels=1)


def _store(path: Path, segment: AudioSegment) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(alaw(segment))
