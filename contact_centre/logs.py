"""Logs: one JSON object a line on standard error, bound to the call, telephone numbers masked."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

from appeals.numbers import mask_number

_NUMBER: Final = re.compile(r"(?<![\w.:-])(\+?\d{2,5})\d{3,8}(\d{2})(?![\w.:-])")
_PERSONAL: Final = frozenset(
    {"number", "caller_number", "caller_number_raw", "dialled", "caller_name", "applicant", "name"}
)
"""Keys whose values are a person's: a number is masked, a name is left out."""


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
    logging.getLogger("alembic").setLevel(logging.WARNING)


def mask(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Processor: hide names and telephone numbers, wherever they turn up in the values."""
    for key, value in event.items():
        if not isinstance(value, str):
            continue
        if key in _PERSONAL:
            event[key] = mask_number(value) if value.lstrip("+").isdigit() else "***"
        elif key not in {"timestamp", "level", "call_id"}:
            event[key] = _NUMBER.sub(lambda found: mask_number(found.group(0)), value)
    return event
