"""Brings the stack up from a clean checkout, lives through all that must not hurt it, and takes it down again.

    make compose-test                                         images from a registry
    make compose-test ARGS="--stand-ins --own-engine"         no registry, no running engine: needs root and debootstrap

DOCKER names another client than `docker`. Everything made is removed again, on failure and Ctrl-C too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any, NoReturn

import faults
import images
import operations
import story
from checks import CheckFailedError, Report, say
from engine import Engine, own_engine
from stack import Stack

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run it all; 0 where every step passed."""
    asked = arguments()
    signal.signal(signal.SIGTERM, _interrupted)
    report = Report()
    with ExitStack() as cleanup:
        scratch = Path(tempfile.mkdtemp(prefix="advisor-compose-"))
        cleanup.callback(shutil.rmtree, scratch, ignore_errors=True)
        scratch.chmod(0o755)
        checkout = scratch / "checkout"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)  # noqa: S607
        version = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["version"]
        kept = Path(asked.own_engine) if asked.own_engine else None
        engine = cleanup.enter_context(nullcontext(Engine()) if asked.own_engine is None else own_engine(kept))
        say(engine.docker("version", "--format=engine {{.Server.Version}}, client {{.Client.Version}}"))
        settings = images.stand_ins(asked.stand_ins) if asked.stand_ins else {}
        stack = Stack(engine, checkout, f"advisor-test-{os.getpid()}", settings | {"ADVISOR_VERSION": version})
        say(engine.run([*stack.compose_command, "version"]).output.splitlines()[0])
        cleanup.callback(stack.down)
        run(report, stack, scratch, asked)
    return report.verdict()


def run(report: Report, stack: Stack, scratch: Path, asked: argparse.Namespace) -> None:
    """All steps, in the order of a stack's life."""
    version, options = stack.settings["ADVISOR_VERSION"], []
    with report.step("images built from a clean checkout"):
        if asked.stand_ins:
            options = images.stand_in_options(asked.stand_ins, scratch)
            images.build_stand_ins(stack.engine, asked.stand_ins, stack.checkout)
            images.build(stack.engine, stack.checkout, version, options)
        else:
            stack.compose("--profile", "train", "build", seconds=images.BUILD_SECONDS)
    if report.failed:
        return
    story.check_images(report, stack.engine, version)
    story.check_example_refuses(report, stack)
    story.check_start(report, stack, scratch)
    story.check_training(report, stack, scratch)
    story.check_learning(report, stack)
    story.check_crashes(report, stack)
    story.check_scaling(report, stack)
    operations.check_keys(report, stack)
    operations.check_backup(report, stack, scratch)
    faults.check_refusals(report, stack)
    if asked.upgrade_from:
        operations.check_upgrade(report, stack, asked.upgrade_from, scratch, options)
    with report.step("down, volumes included: nothing is left"):
        stack.down()
        if left := stack.leftovers():
            raise CheckFailedError(left)
    faults.check_full_volume(report, stack, scratch)


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="compose_test", description="Tests docker-compose.yml for real.")
    parser.add_argument(
        "--stand-ins",
        nargs="?",
        const="bookworm",
        metavar="SUITE",
        help="build stand-ins for the base images from this Debian release (default: bookworm) with debootstrap, "
        "and hand this machine's pip settings to the builds",
    )
    parser.add_argument(
        "--own-engine",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="start an engine of the test's own, as root; FOLDER keeps its images for the next time",
    )
    parser.add_argument("--upgrade-from", metavar="COMMIT", help="also upgrade a stack that an older commit made")
    asked = parser.parse_args()
    if asked.own_engine is not None and not asked.stand_ins:
        parser.error("--own-engine reaches no registry of images: it goes with --stand-ins")
    return asked


def _interrupted(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("interrupted; all was taken down")
        sys.exit(130)
