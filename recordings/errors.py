"""What can go wrong with the audio of a call. ``code`` is stable: exit codes, problem+json and translations use it."""


class RecordingError(Exception):
    """Base of the errors of this package. The raw files of the call are still there whenever one is raised."""

    code = "recording-error"


class NotYet(RecordingError):  # noqa: N818 - an answer, not a failure: ask again
    """The audio of the call may still grow. Ask again after ``retry_after`` seconds."""

    code = "recording-not-yet"

    def __init__(self, call_id: str, retry_after: float) -> None:
        super().__init__(f"the audio of call {call_id} may still be growing; ask again in {retry_after:.1f} s")
        self.call_id = call_id
        self.retry_after = retry_after


class RecordingStoreFull(RecordingError):  # noqa: N818 - named for the state of the store
    """No space is left where recordings are stored."""

    code = "recording-store-full"

    def __init__(self, where: str) -> None:
        super().__init__(
            f"no space left for recordings in {where}: free some or give it a larger disk. "
            "Nothing is lost: the raw audio waits in Asterisk's spool folder and is stored as soon as there is space."
        )
        self.where = where


class EncoderMissing(RecordingError):  # noqa: N818
    """There is no ffmpeg that can be started."""

    code = "recording-encoder-missing"

    def __init__(self, program: str) -> None:
        super().__init__(
            f"the encoder {program!r} cannot be started: install the package imageio-ffmpeg for this platform, "
            "or set IMAGEIO_FFMPEG_EXE to an ffmpeg. The raw audio is kept."
        )


class EncoderFailed(RecordingError):  # noqa: N818
    """ffmpeg ended with an error; ``detail`` is the end of what it said."""

    code = "recording-encoder-failed"

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(
            f"the encoder ended with status {status}: {detail or 'it said nothing'}. The raw audio is kept."
        )
        self.status = status
        self.detail = detail


class AudioMismatch(RecordingError):  # noqa: N818
    """What was encoded or stored is not what was read from the raw files."""

    code = "recording-audio-mismatch"

    def __init__(self, what: str, expected: str, found: str) -> None:
        super().__init__(f"{what}: expected {expected}, found {found}. The raw audio is kept.")


class NotAFlacFile(RecordingError):  # noqa: N818
    """A stored file does not begin as FLAC begins."""

    code = "recording-not-flac"


class BadCallId(RecordingError, ValueError):  # noqa: N818
    """A call id that must not become part of a path."""

    code = "recording-bad-call-id"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"{call_id!r} is not an Asterisk unique id; it is not used in a path")


class ExportRefused(RecordingError):  # noqa: N818
    """A recording cannot be exported as asked: no audio, an existing target, an unknown suffix."""

    code = "recording-export-refused"
