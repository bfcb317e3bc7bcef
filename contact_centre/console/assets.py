"""Style sheets, modules, fonts: read once, named by their content, kept by browsers for a year.

All live below one path that holds a digest of them all, so modules and style sheets name each other relatively and no
name is ever served with another content. ``vendor`` is what set-up made of the packages of ``web/``; without it the
console works, in the system's own typeface.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
CACHED: Final = "public, max-age=31536000, immutable"
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Assets:
    """Everything that is served as it is: content and media type by the path below ``console/``."""

    digest: str
    files: dict[str, tuple[bytes, str]]

    @classmethod
    def read(cls, folder: Path = _HERE) -> Self:
        """What there is now."""
        files: dict[str, tuple[bytes, str]] = {}
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if path.suffix in KINDS and path.is_file():
                name, content = path.relative_to(folder).as_posix(), path.read_bytes()
                files[name] = content, KINDS[path.suffix]
                digest.update(f"{name}\n{len(content)}\n".encode() + content)
        return cls(digest.hexdigest()[:16], files)
