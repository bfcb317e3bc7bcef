import math
from array import array
from pathlib import Path

import numpy as np
import pytest
from pydub import AudioSegment

from contact_centre.demo.root import CONFIG_SOURCE
from telephony.prompts import LEVEL_DBFS, PEAK_DBFS, PromptError, alaw, build, levelled, music, read_texts, signal
from tests.hearing import CITIZEN, heard_for


def _speech(milliseconds: int, *, peak: int = 20000, rate: int = 22050) -> AudioSegment:
    samples = array(
        "h", (round(peak * math.sin(2 * math.pi * 300 * n / rate)) for n in range(rate * milliseconds // 1000))
    )
    return AudioSegment(data=samples.tobytes(), sample_width=2, frame_rate=rate, channels=1)


def _silence(milliseconds: int) -> AudioSegment:
    return AudioSegment.silent(milliseconds, frame_rate=22050)


def test_every_text_is_ukrainian() -> None:
    for name, text in read_texts(CONFIG_SOURCE).prompts.items():
        assert text.strip()
        assert not any("a" <= letter.lower() <= "z" for letter in text), name


def test_silence_at_both_ends_is_trimmed() -> None:
    prompt = levelled(_silence(900) + _speech(500) + _silence(700))
    assert 480 <= len(prompt) <= 620


@pytest.mark.parametrize("peak", [300, 3000, 32000])
def test_loudness_is_brought_to_the_same_level_without_clipping(peak: int) -> None:
    prompt = levelled(_speech(500, peak=peak))
    assert prompt.dBFS == pytest.approx(LEVEL_DBFS, abs=1.0)
    assert prompt.max_dBFS <= PEAK_DBFS + 0.1
    assert (prompt.frame_rate, prompt.channels, prompt.sample_width) == (8000, 1, 2)


def test_a_silent_prompt_is_an_error() -> None:
    with pytest.raises(PromptError, match="silent"):
        levelled(_silence(500))


def test_a_signal_has_the_length_of_its_steps() -> None:
    assert len(signal([(880, 180), (0, 20), (400, 100)])) == 300


def test_music_is_quiet_and_as_long_as_it_should_be() -> None:
    tune = music(8)
    assert len(tune) == 8000
    assert -31 < tune.dBFS < -29
    assert tune.max_dBFS < -10


def test_music_can_be_repeated_without_a_gap() -> None:
    tune = music(8)
    assert tune[-200:].dBFS > -45
    assert tune[:200].dBFS > -45


def test_what_citizens_of_tests_say_is_no_note_of_the_music() -> None:
    tune = np.array(music(16).get_array_of_samples(), dtype=np.float64)
    assert heard_for(tune, 8000, CITIZEN) == 0
    assert heard_for(tune, 8000, 440) > 0


def test_one_byte_of_alaw_is_one_sample() -> None:
    assert len(alaw(signal([(880, 1000)]))) == 8000


def test_a_speaker_that_is_missing_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="no-such-speaker"):
        build(CONFIG_SOURCE, tmp_path, ["no-such-speaker"])
    assert not list(tmp_path.iterdir())


def test_a_speaker_that_fails_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="could not say"):
        build(CONFIG_SOURCE, tmp_path, ["false"])
    assert not list(tmp_path.iterdir())
