"""Bytes that Asterisk nearly said: real ones, changed by a seeded generator; hypothesis chooses the seeds.

A million inputs take minutes so, and the example that hypothesis prints repeats the hundred among which one failed.
"""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

FUZZ_INPUTS: Final = int(os.environ.get("FUZZ_INPUTS", "20000"))
"""How many inputs each codec is given; the long run (``make fuzz``) has a million."""
INPUTS_AN_EXAMPLE: Final = 100
MOST_CHANGES: Final = 5


def fuzzed(test: Callable[[int, bytes], None]) -> Callable[[], None]:
    """Run a test with so many pairs of ``seed`` and ``salt`` that ``mutations`` makes ``FUZZ_INPUTS`` of them."""
    examples = settings(max_examples=max(1, FUZZ_INPUTS // INPUTS_AN_EXAMPLE), deadline=None)
    return examples(given(seed=st.integers(0, 1 << 64), salt=st.binary(max_size=40))(test))


def mutations(
    seed: int, salt: bytes, real: Sequence[bytes], marks: Sequence[bytes]
) -> Iterator[tuple[random.Random, bytes]]:
    """A hundred inputs, each with the generator, for what the test itself leaves to chance.

    Args:
        seed: decides everything.
        salt: bytes of hypothesis' choice, put in somewhere.
        real: what is changed.
        marks: bytes that mean something in this codec, put in somewhere.
    """
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for _ in range(INPUTS_AN_EXAMPLE):
        data = bytearray(chance.choice(real))
        for _ in range(chance.randrange(MOST_CHANGES + 1)):
            at = chance.randrange(len(data) + 1)
            match chance.randrange(5):
                case 0:
                    data[at:at] = salt or marks[0]
                case 1:
                    data[at : at + chance.randrange(40)] = b""
                case 2:
                    data[at : at + 1] = bytes([chance.randrange(256)])
                case 3:
                    data[at:at] = chance.choice(marks)
                case _:
                    data[at:at] = chance.randbytes(chance.randrange(20))
        yield chance, bytes(data)
