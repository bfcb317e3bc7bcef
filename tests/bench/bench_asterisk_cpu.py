"""Asterisk's own processor time for a short call: with everything attached, bare, and with one thing after the other.

*Bare* is the same Asterisk, modules and queue, with a dialplan of nothing but answer, greeting, notice, MixMonitor,
Queue and farewell (``exchange.BARE_DIALPLAN``): no ledger, no AMI, no look-up. Citizens and operators are SIPp; both
sides talk for a second, prompts last 0.2 s each. All exchanges take their calls at the same time, so that a busy
machine disturbs all alike; what counts is the processor time of each Asterisk process (utime and stime, all threads)
divided by the calls of a round, and of the rounds the median of the ratios.

    python -m tests.bench.bench_asterisk_cpu
"""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Final

from contact_centre.demo.processes import Processes
from contact_centre.demo.root import Kit
from tests.bench.exchange import (
    Change,
    Exchange,
    bare,
    cpu,
    nothing_declined,
    without_agi,
    without_ami,
    without_cel,
    without_wrap_up,
)

ROUNDS: Final = 7
CALLS: Final = 40
RATE: Final = 2.5
"""Calls a second and exchange: together they keep one of two processors busy."""
PHONES: Final = 12
TALK_S: Final = 1.0
PROMPTS_S: Final = 0.2
GOAL: Final = 1.25
BARE: Final = "bare"
EVERYTHING: Final = "everything: + FastAGI"
KINDS: Final[dict[str, tuple[Change, ...]]] = {
    BARE: (bare,),
    "our dialplan": (without_cel, without_ami, without_agi),
    "+ CEL": (without_ami, without_agi),
    "+ AMI": (without_agi,),
    EVERYTHING: (),
    "everything but the wrap-up watch": (without_wrap_up,),
    "everything, no message declined": (nothing_declined,),
}


def main() -> int:
    """Print what each takes; 1 if the goal is missed."""
    kit = Kit.provide()
    with tempfile.TemporaryDirectory() as folder, Processes() as processes:
        exchanges = {}
        for number, (kind, changes) in enumerate(KINDS.items()):
            exchanges[kind] = exchange = Exchange.build(
                kit,
                Path(folder) / str(number),
                processes,
                *changes,
                phones=PHONES,
                with_service=kind != BARE and without_ami not in changes,
                prompts_s=PROMPTS_S,
            )
            exchange.start(talk=TALK_S)
        one_round(exchanges, 0)  # warms up
        return report([one_round(exchanges, turn) for turn in range(1, ROUNDS + 1)])


def one_round(exchanges: dict[str, Exchange], turn: int) -> dict[str, float]:
    """Milliseconds of Asterisk's processor time for a call, of each exchange."""
    before = {kind: cpu(exchange.process) for kind, exchange in exchanges.items()}
    crowds = [
        exchange.telephones.crowd(CALLS, rate=RATE, caller=f"38050{turn}123[call_number]")
        for exchange in exchanges.values()
    ]
    for crowd in crowds:
        crowd.succeed()
    for exchange in exchanges.values():
        exchange.asterisk.wait_idle()
    return {kind: (cpu(exchange.process) - before[kind]) / CALLS * 1000 for kind, exchange in exchanges.items()}


def report(rounds: list[dict[str, float]]) -> int:
    """Say the medians, and the ratios within the rounds."""
    sys.stdout.write(f"{'':<34}{'ms a call':>10}{'of bare':>9}{'rounds':>16}\n")
    medians = {}
    for kind in KINDS:
        ratios = [one[kind] / one[BARE] for one in rounds]
        medians[kind] = statistics.median(ratios)
        spent = statistics.median(one[kind] for one in rounds)
        sys.stdout.write(
            f"{kind:<34}{spent:>10.1f}{medians[kind]:>9.2f}{f'{min(ratios):.2f} to {max(ratios):.2f}':>16}\n"
        )
    reached = medians[EVERYTHING] <= GOAL
    sys.stdout.write(f"everything attached, goal at most {GOAL}: {'reached' if reached else 'NOT reached'}\n")
    return int(not reached)


if __name__ == "__main__":
    sys.exit(main())
