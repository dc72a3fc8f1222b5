"""Would the unit tests notice a changed formula? Mutants of the code that decides, and what became of each.

    make mutants                                  # a seeded sample, about half an hour on two cores
    python -m benchmarks.mutation --sample 20     # a quick look

cosmic-ray changes one operator, constant or comparison at a time in copies of the tree, and runs the unit tests on
each. It is installed into a folder of its own, since nothing else needs it. Mutants inside annotations change nothing
and are left out. A survivor is either equivalent, and its reader can say why, or it shows that a test is missing.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".mutation"
PACKAGES = ("features", "condor", "model", "statistics")
COPIED = ("ares_client", "benchmarks", "docs", "kronos", "service", "tests", "pyproject.toml")
TESTS = "tests/unit/kronos"
SECONDS_PER_MUTANT = 120
SESSION = "session.sqlite"
CONFIG = """
[cosmic-ray]
module-path = [{modules}]
timeout = {timeout}
excluded-modules = []
test-command = "{python} -m pytest {tests} -x -q -p no:cacheprovider"

[cosmic-ray.distributor]
name = "local"
"""
SPECS = """
SELECT job_id, module_path, operator_name, start_pos_row, start_pos_col FROM mutation_specs ORDER BY job_id
"""
RESULTS = """
SELECT s.module_path, s.operator_name, r.worker_outcome, r.test_outcome, r.diff
FROM mutation_specs s LEFT JOIN work_results r ON r.job_id = s.job_id
"""


@dataclass(frozen=True)
class Mutant:
    """One changed place and what the tests said of it."""

    package: str
    place: str
    operator: str
    fate: str
    diff: str


def install_tools() -> dict[str, str]:
    """The environment in which cosmic-ray runs, installed once from the lock file."""
    lock = ROOT / "requirements" / "mutation.txt"
    stamp = TOOLS / "installed"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        shutil.rmtree(TOOLS, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--require-hashes", "--target", str(TOOLS), "-r", str(lock)], check=True)
        stamp.write_text(lock.read_text())
    # After our own packages: what both have is then the version that is tested with.
    return {**os.environ, "PYTHONPATH": str(TOOLS), "PYTHONDONTWRITEBYTECODE": "1", "LOKY_MAX_CPU_COUNT": "1"}


def copy_tree(to: Path) -> None:
    """What the unit tests need, as it stands in the working tree."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, to / name)


def annotated(path: Path) -> set[tuple[int, int]]:
    """Line and column of every node that is part of an annotation."""
    inside: set[tuple[int, int]] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        parts = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        for part in filter(None, parts):
            last = part.end_lineno or part.lineno
            for line in range(part.lineno, last + 1):
                begin = part.col_offset if line == part.lineno else 0
                end = part.end_col_offset if line == last else 200
                inside |= {(line, column) for column in range(begin, end or 200)}
    return inside


def sampled(session: Path, tree: Path, size: int, seed: int) -> list[str]:
    """Job ids of a seeded sample, evenly over the packages."""
    with sqlite3.connect(session) as database:
        found = database.execute(SPECS).fetchall()
    places = {module: annotated(tree / module) for module in {row[1] for row in found}}
    by_package: dict[str, list[str]] = {package: [] for package in PACKAGES}
    for job, module, _, row, column in found:
        if (row, column) not in places[module]:
            by_package[Path(module).parts[1]].append(job)
    rng = random.Random(seed)
    share = size // len(PACKAGES)
    chosen = [job for jobs in by_package.values() for job in rng.sample(sorted(jobs), min(share, len(jobs)))]
    rng.shuffle(chosen)
    print(f"{len(found)} mutants, {sum(map(len, by_package.values()))} outside annotations, {len(chosen)} sampled")
    return chosen


def keep(session: Path, jobs: Sequence[str]) -> None:
    """Leave only these jobs in a session."""
    with sqlite3.connect(session) as database:
        database.execute("CREATE TEMP TABLE kept (job_id TEXT)")
        database.executemany("INSERT INTO kept VALUES (?)", [(job,) for job in jobs])
        for table in ("mutation_specs", "work_items"):
            database.execute(f"DELETE FROM {table} WHERE job_id NOT IN (SELECT job_id FROM kept)")


def results(session: Path) -> Iterator[Mutant]:
    """What became of a session's mutants."""
    with sqlite3.connect(session) as database:
        for module, operator, worker, test, diff in database.execute(RESULTS):
            if worker is None:
                fate = "not reached"
            elif "TIMEOUT" in f"{worker}{test}".upper():
                fate = "killed"
            else:
                fate = str(test or worker).rpartition(".")[2].lower()
            yield Mutant(Path(module).parts[1], module, operator, fate, diff or "")


def main() -> None:
    """Run the sample and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=240, help="mutants to try, evenly over the packages")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30, help="stop after so long, and report what is left")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    environment = install_tools()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folders = [Path(name) / str(job) for job in range(asked.jobs)]
        sessions = [prepare(folder, environment, folders[0] / SESSION) for folder in folders]
        chosen = sampled(sessions[0], folders[0], asked.sample, asked.seed)
        running = []
        for at, (folder, session) in enumerate(zip(folders, sessions, strict=True)):
            keep(session, chosen[at :: asked.jobs])
            running.append(cosmic_ray(folder, environment, "exec", "config.toml", SESSION))
        for process in running:
            try:
                process.wait(max(1.0, 60 * asked.minutes - (time.monotonic() - began)))
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait()
        report([mutant for session in sessions for mutant in results(session)], time.monotonic() - began)


def prepare(folder: Path, environment: dict[str, str], first: Path) -> Path:
    """A copy of the tree with a session of all mutants, made once since their ids are random; returns the session."""
    folder.mkdir()
    copy_tree(folder)
    modules = sorted(
        str(path.relative_to(folder))
        for package in PACKAGES
        for path in (folder / "kronos" / package).rglob("*.py")
        if path.name != "__init__.py"
    )
    listed = ", ".join(f'"{module}"' for module in modules)
    config = CONFIG.format(modules=listed, timeout=SECONDS_PER_MUTANT, python=sys.executable, tests=TESTS)
    (folder / "config.toml").write_text(config)
    if first.exists():
        shutil.copy2(first, folder / SESSION)
    elif cosmic_ray(folder, environment, "init", "config.toml", SESSION).wait() != 0:
        sys.exit("cosmic-ray cannot begin: see above")
    return folder / SESSION


def cosmic_ray(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """Start it in a copy of the tree."""
    return subprocess.Popen(
        [sys.executable, "-c", "from cosmic_ray.cli import main; main()", *arguments], cwd=folder, env=environment
    )


def report(mutants: Sequence[Mutant], seconds: float) -> None:
    """The score of each package, then every survivor."""
    print(f"\n{'package':<12}{'killed':>8}{'survived':>10}{'other':>8}{'score':>8}")
    for package in (*PACKAGES, "all"):
        fates = Counter(mutant.fate for mutant in mutants if package in (mutant.package, "all"))
        killed, survived = fates["killed"], fates["survived"]
        judged = killed + survived
        score = f"{killed / judged:.0%}" if judged else "-"
        print(f"{package:<12}{killed:>8}{survived:>10}{sum(fates.values()) - judged:>8}{score:>8}")
    print(f"{seconds / 60:.0f} minutes\n")
    for mutant in mutants:
        if mutant.fate == "survived":
            changed = [line for line in mutant.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
            print(mutant.place, mutant.operator, *changed, sep="\n  ")


if __name__ == "__main__":
    main()
