"""The house keeps its order: each name once, SQL in repositories, and whoever adds a thing is told what comes next."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from inspect import signature
from pathlib import Path

from ares_client._http.retraining import RetrainMetrics
from ares_client._outbox.outcomes import DETAILS, prepare_outcome
from ares_client.contract import MarketDay, Metrics, Outcome, StoredOutcome
from kronos.commands.fetch import fetch_command
from kronos.market.history import COLUMNS, FAMILIES, OPTIONAL_COLUMNS
from kronos.market.sources.entries import ENTRIES
from kronos.statistics.scores import SCORES
from service.db.tables import MarketDayRow, OutcomeRow
from service.settings import Settings
from tests.support.paths import ROOT

PACKAGES = ("ares_client", "kronos", "service")
STATEMENT_BUILDERS = {"select", "insert", "update", "delete", "text", "func", "table", "column", "outerjoin"}
LONGEST_MODULE_LINES = 320
CLIENT_IS_PUBLIC = {"__init__", "advisor", "aio", "contract", "errors", "outbox_cli", "settings", "shared", "testing"}
NAMED_FILE = re.compile(r"`((?:ares_client|benchmarks|kronos|migrations|scripts|service|tests)/[\w/.-]+)`")
ONLY_STORED = {"id", "content_sha256", "flags", "recorded_at", "trained_in"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def defined(tree: ast.Module) -> Iterator[str]:
    """Public classes and type aliases."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if not name.isupper() and name[0].isupper() and len(name) > 1:
                yield name


def test_each_name_is_defined_once() -> None:
    places = defaultdict(list)
    for path, tree in modules():
        for name in defined(tree):
            places[name].append(str(path))
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert not twice, f"two things of one name: rename one of them: {twice}"


def test_every_module_says_what_it_is_for_and_can_be_read_in_one_go() -> None:
    for path, tree in modules():
        said = ast.get_docstring(tree) or ""
        assert len(said) > 10, f"{path}: begin with one line that says what the module is for"
        lines = len((ROOT / path).read_text().splitlines())
        assert lines <= LONGEST_MODULE_LINES, f"{path} has {lines} lines: it holds more than one idea"


def test_sql_stands_in_repositories_and_the_database_folder() -> None:
    for path, tree in modules():
        if path.parts[:2] == ("service", "db") or path.name == "repository.py":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
                built = STATEMENT_BUILDERS & {alias.name for alias in node.names}
                assert not built, f"{path} builds SQL with {sorted(built)}: put it into the repository of its noun"


def test_nouns_do_not_know_each_other_in_a_circle() -> None:
    knows = defaultdict(set)
    nouns = {path.name for path in (ROOT / "service").iterdir() if (path / "service.py").exists()}
    for path, tree in modules():
        if path.parts[0] != "service" or path.parts[1] not in nouns:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("service."):
                other = (node.module or "").split(".")[1]
                if other in nouns and other != path.parts[1]:
                    knows[path.parts[1]].add(other)
    TopologicalSorter(knows).prepare()  # raises CycleError, which names the circle


def test_the_client_shows_what_a_bot_may_import_and_nothing_else() -> None:
    shown = {path.stem for path in (ROOT / "ares_client").iterdir() if path.suffix == ".py" or path.is_dir()}
    public = {name for name in shown if not name.startswith("_") or name == "__init__"} - {"py"}
    assert public == CLIENT_IS_PUBLIC


def test_documents_name_files_that_exist() -> None:
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    dead = {
        f"{document.relative_to(ROOT)}: {named}"
        for document in documents
        for named in NAMED_FILE.findall(document.read_text(encoding="utf-8"))
        if not (ROOT / named).exists()
    }
    assert not dead


def test_a_score_is_in_the_contract() -> None:
    """To add a score: one object in `kronos/statistics/scores.py`, one field of `Metrics`."""
    shown = set(Metrics.model_fields) - {"sessions", "base_rate"}
    assert shown == {score.name for score in SCORES}, "add the score to ares_client/contract/models.py"
    unset = {name for name, field in RetrainMetrics.model_fields.items() if field.default is None}
    assert not unset, "a bot prints these: give them NaN as default in ares_client/_http/retraining.py"


def test_a_column_of_bars_is_in_the_contract_and_in_the_table() -> None:
    """To add an instrument: one `Family`, its source, its columns in `MarketDay` and `market_days`, a migration."""
    assert set(MarketDay.model_fields) - {"date"} == set(COLUMNS), (
        "add the columns to ares_client/contract/market_days.py"
    )
    columns = {column.name: column for column in MarketDayRow.__table__.columns}
    assert columns.keys() - {"session", "updated_at"} == set(COLUMNS), "add the columns to service/db/tables.py"
    assert {name for name in COLUMNS if columns[name].nullable} == set(OPTIONAL_COLUMNS)


def test_an_instrument_has_a_source_whose_address_can_be_named() -> None:
    assert {entry.family for entry in ENTRIES} == set(FAMILIES), "add the source to kronos/market/sources/entries.py"
    for family in FAMILIES:
        named = f"{family.name}_url"
        assert named in signature(fetch_command).parameters, f"add --{family.name}-url to kronos/commands/fetch.py"
        assert named in Settings.model_fields, f"add {named} to service/settings.py"


def test_a_field_of_an_outcome_is_stored_and_shown() -> None:
    """To add a field: `Outcome`, `StoredOutcome`, `TradeDetails`, `OutcomeRow`, a migration."""
    reported = set(Outcome.model_fields)
    stored = {column.name for column in OutcomeRow.__table__.columns} - ONLY_STORED
    assert stored == reported, "add the field to service/db/tables.py, with a migration"
    shown = set(StoredOutcome.model_fields) - ONLY_STORED
    assert shown == reported, "add the field to StoredOutcome in ares_client/contract/outcomes.py"
    said = DETAILS | set(signature(prepare_outcome).parameters) - {"details"}
    assert said == reported, "add the field to TradeDetails in ares_client/_outbox/outcomes.py"
