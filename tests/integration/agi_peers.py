"""What connects to FastAGI: Asterisk, by its own bytes, and others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

NAMES = (
    "request", "channel", "language", "type", "uniqueid", "version", "callerid", "calleridname", "callingpres",
    "callingani2", "callington", "callingtns", "dnid", "rdnis", "context", "extension", "priority", "enhanced",
    "accountcode", "threadid",
)  # fmt: skip


def header(number: str = "0501234567", call_id: str = "cc1-1795383430.11", *, script: str = "incoming") -> bytes:
    """As Asterisk 22 sends it for ``AGI(agi://127.0.0.1:4573/<script>,588-888,<call_id>)``."""
    told = dict.fromkeys(NAMES, "unknown") | {"uniqueid": call_id, "callerid": number, "accountcode": ""}
    lines = [f"agi_{name}: {value}" for name, value in told.items()]
    arguments = ["agi_arg_1: 588-888", f"agi_arg_2: {call_id}"]
    return "\n".join(["agi_network: yes", f"agi_network_script: {script}", *lines, *arguments, "", ""]).encode()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def call(port: int, number: str = "0501234567", call_id: str = "cc1-1795383430.11") -> list[bytes]:
    """A whole session as Asterisk holds it; the commands that it was given, each as it came in one read."""
    commands = []
    async with connected(port) as (reader, writer):
        writer.write(header(number, call_id))
        with suppress(ConnectionResetError):
            while said := await reader.read(65536):
                commands.append(said)
                writer.write(b"200 result=0\n")
    return commands
