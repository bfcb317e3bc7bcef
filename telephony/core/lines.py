"""The city's lines and every form in which citizens dial them.

The one definition on our side; ``asterisk-config/extensions.conf`` carries the same numbers and a test holds the two
together.
"""

from types import MappingProxyType
from typing import Final

LINES: Final = MappingProxyType(
    {
        "15-80": ("1580", "15-80"),
        "588-888": ("588888", "0372588888", "380372588888", "+380372588888"),
    }
)
"""Line name -> the numbers that reach it, as the trunk delivers them."""

QUEUE: Final = "contact-centre"
"""The name of the operators' queue in queues.conf."""
