"""`advisor-outbox`: list, export, retry and discard the trades in a bot's outbox."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ares_client._outbox.file import OutboxFile
from ares_client._outbox.outbox import Outbox, OutboxRow
from ares_client._process.timing import SYSTEM_TIMING
from ares_client.advisor import Advisor
from ares_client.errors import AdvisorError
from ares_client.settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

RETRY_SECONDS = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 on success, 1 if `retry` leaves trades behind, 2 on an error."""
    logging.basicConfig(format="%(levelname)s %(message)s")
    options = _parser().parse_args(arguments)
    given = {name: getattr(options, name) for name in ("outbox", "bot") if getattr(options, name)}
    try:
        settings = ClientSettings.from_environment(**given)
        with closing(OutboxFile(settings.outbox_file, SYSTEM_TIMING)) as file:
            status: int = options.run(options, settings, Outbox(file, SYSTEM_TIMING))
    except (AdvisorError, OSError) as error:
        sys.stderr.write(f"advisor-outbox: {error}\n")
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="advisor-outbox",
        description="Show and repair a bot's outbox: trades waiting for delivery, and trades in quarantine.",
        epilog="Options that are not given are read from ARES_ADVISOR_OUTBOX and ARES_ADVISOR_BOT. The retry command "
        "also reads ARES_ADVISOR_URL and ARES_ADVISOR_API_KEY.",
    )
    parser.add_argument("--outbox", type=Path, help="folder that contains the outbox")
    parser.add_argument("--bot", help="name of the bot")
    commands = parser.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("list", help="list trades, oldest first")
    _add_state_filter(command)
    command.set_defaults(run=_list)

    command = commands.add_parser("export", help="write trades as JSON lines")
    _add_state_filter(command)
    command.add_argument("file", nargs="?", type=Path, help="output file (default: standard output)")
    command.set_defaults(run=_export)

    command = commands.add_parser("retry", help="make quarantined trades pending again and try to deliver them")
    command.add_argument("trade_id", nargs="*", help="trades to retry (default: all in quarantine)")
    command.add_argument("--seconds", type=float, default=RETRY_SECONDS, help="how long to try (default: %(default)s)")
    command.set_defaults(run=_retry)

    command = commands.add_parser("discard", help="print quarantined trades as JSON lines, then delete them")
    command.add_argument("trade_id", nargs="+", help="trades to discard")
    command.set_defaults(run=_discard)
    return parser


def _add_state_filter(command: argparse.ArgumentParser) -> None:
    states = command.add_mutually_exclusive_group()
    states.add_argument(
        "--pending", dest="state", action="store_const", const="pending", help="only trades waiting for delivery"
    )
    states.add_argument(
        "--quarantined", dest="state", action="store_const", const="quarantined", help="only trades in quarantine"
    )


def _list(options: argparse.Namespace, settings: ClientSettings, outbox: Outbox) -> int:
    for row in _chosen(outbox, options.state):
        recorded = datetime.fromtimestamp(row.recorded_at, UTC).isoformat(timespec="seconds")
        sys.stdout.write(
            f"{recorded}  {row.state:<11}  {row.trade_id}  {row.quarantined_because or ''}".rstrip() + "\n"
        )
    counts = outbox.counts()
    sys.stdout.write(f"{counts.pending} pending, {counts.quarantined} quarantined in {settings.outbox_file}\n")
    return 0


def _export(options: argparse.Namespace, settings: ClientSettings, outbox: Outbox) -> int:
    text = "".join(_as_json_line(row) for row in _chosen(outbox, options.state))
    if options.file:
        options.file.write_text(text)
    else:
        sys.stdout.write(text)
    return 0


def _retry(options: argparse.Namespace, settings: ClientSettings, outbox: Outbox) -> int:
    chosen = _in_quarantine(outbox, options.trade_id) if options.trade_id else _chosen(outbox, "quarantined")
    outbox.requeue(chosen)
    with Advisor(settings) as advisor:
        advisor.flush(options.seconds)
        stats = advisor.stats()
    sys.stdout.write(f"{stats.pending} pending, {stats.quarantined} quarantined\n")
    if stats.problem:
        sys.stdout.write(f"not delivered: {stats.problem}\n")
    return 1 if stats.pending or stats.quarantined else 0


def _discard(options: argparse.Namespace, settings: ClientSettings, outbox: Outbox) -> int:
    chosen = _in_quarantine(outbox, options.trade_id)
    sys.stdout.write("".join(_as_json_line(row) for row in chosen))
    sys.stdout.flush()
    outbox.settle(chosen)
    return 0


def _chosen(outbox: Outbox, state: str | None) -> list[OutboxRow]:
    return [row for row in outbox.rows() if state in {None, row.state}]


def _in_quarantine(outbox: Outbox, trade_ids: Sequence[str]) -> list[OutboxRow]:
    found = [row for row in _chosen(outbox, "quarantined") if row.trade_id in trade_ids]
    missing = set(trade_ids) - {row.trade_id for row in found}
    if missing:
        raise AdvisorError(f"not in quarantine: {', '.join(sorted(missing))}")
    return found


def _as_json_line(row: OutboxRow) -> str:
    try:
        outcome: Any = json.loads(row.body)
    except ValueError:  # damaged on disk: left as text for a human to read
        outcome = row.body
    line = {
        "state": row.state,
        "reason": row.quarantined_because,
        "recorded_at": datetime.fromtimestamp(row.recorded_at, UTC).isoformat(),
        "outcome": outcome,
    }
    return json.dumps(line) + "\n"


if __name__ == "__main__":
    sys.exit(main())
