"""Logs: one JSON object a line on standard error, bound to the call, names left out and telephone numbers masked."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

from appeals.numbers import mask_number

_TELLTALE: Final = re.compile(
    r"""
      (?P<kept>                                        # digits that are nobody's number:
          (?<![\w+]) (?: [A-Za-z]\w*-)? \d{9,12}\.\d+ (?!\d)           # a uniqueid
        | \b \d{4}-\d\d-\d\d (?: [T ][\d:.,]+ (?: [+-]\d\d:?\d\d)? )?  # a time
        | \b [0-9a-fA-F]{8} (?: -[0-9a-fA-F]{4}){3} -[0-9a-fA-F]{12} \b
        | (?<![\w.]) \d{1,3} (?: \.\d{1,3}){3} (?: :\d+)? (?![\w.])    # an address
      )
    | (?P<number>
          \+ \d [\d\ ().-]{5,18} \d                    # international, however it is written
        | \(? \b 0\d{2} \)? [\ -]? \d{3} [\ -] \d{2} [\ -]? \d{2} \b  # national, in groups
        | (?<![\w.]) \d{6,15} (?![A-Za-z_])            # digits at a stretch
        | (?<=[%_]) \d{9,15} (?![A-Za-z_])
      )
    """,
    re.VERBOSE,
)
_PERSONAL: Final = frozenset(
    {"number", "caller_number", "caller_number_raw", "dialled", "dialled_number", "caller_name", "applicant", "name"}
)
"""Keys whose values are a person's: a number is masked, a name is left out."""

_OURS: Final = frozenset({"timestamp", "level", "call_id", "position", "backup"})
"""Keys whose values hold digits that are not a person's."""

_TALKATIVE: Final = ("pymorphy3", "alembic", "aiosqlite", "sqlalchemy", "asyncio", "panoramisk")
"""Libraries that would write statements with their values, or secrets, at a lower level than warnings."""


def _without_request(record: logging.LogRecord) -> bool:
    """Keep what could not be read as HTTP out of the log: aiohttp tells its bytes with the error."""
    error = record.exc_info[1] if record.exc_info else None
    if type(error).__module__ == "aiohttp.http_exceptions":
        record.exc_info = None
        record.msg, record.args = "a request was no HTTP: %s", (type(error).__name__,)
    return True


def configure(level: str) -> None:
    """Send everything, also what libraries log, through one pipeline."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], foreign_pre_chain=shared
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("aiohttp.server").addFilter(_without_request)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def mask(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Processor: hide names and telephone numbers, wherever they turn up in the values."""
    for key, value in event.items():
        if key not in _OURS and not key.startswith("_"):
            event[key] = _masked(key, value)
    return event


def _masked(key: str, value: Any) -> Any:  # noqa: ANN401 - whatever is logged
    if isinstance(value, Mapping):
        return {inner: _masked(inner, one) for inner, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_masked(key, one) for one in value]
    if key in _PERSONAL and value is not None:
        text = str(value)
        return mask_number(text) if text.lstrip("+").isdigit() else "***"
    if isinstance(value, (str, bytes, BaseException)):
        text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
        return _TELLTALE.sub(lambda found: found["kept"] or mask_number(found[0]), text)
    return value
