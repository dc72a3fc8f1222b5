"""Fixtures that everything shares: the sample, a model trained on it, real PostgreSQL, and services over it.

What is heavy is imported where it is needed, so that unit tests start fast.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kronos.condor.spec import CondorSpec
from kronos.market.csv_file import bundled_sample
from kronos.market.history import MarketHistory
from tests.support.shared import AGED_THROUGH, made_once

if TYPE_CHECKING:
    from kronos.model.model import Model
    from kronos.training.export import TrainedModel
    from kronos.training.rows import TrainingRows
    from tests.support.in_process import InProcessService, InProcessWorker, StartService, StartWorker
    from tests.support.processes import AdvisorProcess, Databases, StartProcess
    from tests.support.running_service import RunningService


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """An embedded server with a migrated template."""
    from service.db.embedded import EmbeddedPostgres
    from service.db.migrate import migrate_now
    from tests.support.processes import TEMPLATE, Databases, traversable_temporary_folder
    from tests.support.settings import settings_of

    folder = traversable_temporary_folder("ares-tests-")
    server = EmbeddedPostgres(folder)
    server.start()
    try:
        made = Databases(server)
        made.execute("ALTER SYSTEM SET fsync = off")  # nothing in it outlives the run
        made.execute("ALTER SYSTEM SET max_wal_size = '128MB'")
        made.execute("SELECT pg_reload_conf()")
        made.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate_now(settings_of(server.url(TEMPLATE)))
        yield made
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    url = databases.make()
    yield url
    databases.drop_later(url)


@pytest.fixture(scope="session")
def sample() -> MarketHistory:
    """The bundled market sample."""
    return bundled_sample()


@pytest.fixture(scope="session")
def spec() -> CondorSpec:
    """The default trade: entry at the open, settled at that day's close."""
    return CondorSpec()


@pytest.fixture(scope="session")
def sample_rows(sample: MarketHistory, spec: CondorSpec) -> TrainingRows:
    """Training rows of the whole sample."""
    from kronos.training.rows import build_rows

    return build_rows(sample, spec)[0]


@pytest.fixture(scope="session")
def trained(
    sample: MarketHistory, sample_rows: TrainingRows, spec: CondorSpec, tmp_path_factory: pytest.TempPathFactory
) -> TrainedModel:
    """A model trained on the whole sample."""
    from kronos.training.export import train

    return made_once(tmp_path_factory, "trained", lambda: train(sample_rows, spec, sample))


@pytest.fixture(scope="session")
def artefact(trained: TrainedModel) -> bytes:
    """The trained model's file."""
    return trained.artefact.to_bytes()


@pytest.fixture(scope="session")
def aged_artefact(sample: MarketHistory, spec: CondorSpec, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model that has not seen what came after `AGED_THROUGH`."""
    from kronos.training.export import train
    from kronos.training.rows import build_rows

    def make() -> bytes:
        return train(build_rows(sample, spec, end=AGED_THROUGH)[0], spec, sample).artefact.to_bytes()

    return made_once(tmp_path_factory, "aged", make)


@pytest.fixture(scope="session")
def quick_artefact(sample: MarketHistory, spec: CondorSpec, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model from which a retraining takes seconds, as it has seen few sessions."""
    from tests.support.retraining import quick_champion

    return made_once(tmp_path_factory, "quick", lambda: quick_champion(sample, spec))


@pytest.fixture(scope="session")
def model(artefact: bytes) -> Model:
    """The trained model as it is served."""
    from kronos.model.model import Model

    return Model.from_bytes(artefact)


@pytest.fixture(scope="session")
def sample_days(sample: MarketHistory) -> list[dict[str, Any]]:
    """The sample as `PUT /market-days` takes it."""
    from kronos.commands.push import market_days

    return [day.model_dump(mode="json") for day in market_days(sample)]


@pytest.fixture(scope="session")
def ready_template(
    databases: Databases,
    artefact: bytes,
    sample_days: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The name of a database that holds a model and the sample's bars, for `databases.make` to clone."""
    return databases.make_template(_equipped(artefact, sample_days, tmp_path_factory.mktemp("ready")))


@pytest.fixture(scope="session")
def aged_template(
    databases: Databases,
    aged_artefact: bytes,
    sample_days: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The same with a model that has half a year still to learn."""
    return databases.make_template(_equipped(aged_artefact, sample_days, tmp_path_factory.mktemp("aged")))


@pytest.fixture(scope="session")
def quick_template(
    databases: Databases,
    quick_artefact: bytes,
    sample_days: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The same with a model from which a retraining takes seconds."""
    return databases.make_template(_equipped(quick_artefact, sample_days, tmp_path_factory.mktemp("quick")))


def _equipped(artefact: bytes, sample_days: list[dict[str, Any]], folder: Path) -> Callable[[str], None]:
    from tests.support.in_process import InProcessService
    from tests.support.processes import equip

    def fill(database_url: str) -> None:
        service = InProcessService(database_url, folder).start()
        equip(service, artefact, sample_days)
        service.stop()

    return fill


@pytest.fixture
def ready_database_url(databases: Databases, ready_template: str) -> Iterator[str]:
    """A database of the test's own, with a model and the sample's bars."""
    url = databases.make(ready_template)
    yield url
    databases.drop_later(url)


@pytest.fixture
def aged_database_url(databases: Databases, aged_template: str) -> Iterator[str]:
    """The same with a model that has half a year still to learn."""
    url = databases.make(aged_template)
    yield url
    databases.drop_later(url)


@pytest.fixture
def quick_database_url(databases: Databases, quick_template: str) -> Iterator[str]:
    """The same with a model from which a retraining takes seconds."""
    url = databases.make(quick_template)
    yield url
    databases.drop_later(url)


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[StartService]:
    """Starts services in the test's process, and stops them after the test."""
    from tests.support.in_process import InProcessService

    started: list[InProcessService] = []

    def start(database_url: str, data_dir: Path = tmp_path / "data", **settings: Any) -> InProcessService:
        started.append(InProcessService(database_url, data_dir, settings))
        return started[-1].start()

    yield start
    for service in started:
        service.stop()


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """Starts workers in the test's process, and stops them after the test."""
    from tests.support.in_process import InProcessWorker

    started: list[InProcessWorker] = []

    def start(database_url: str, **settings: Any) -> InProcessWorker:
        started.append(InProcessWorker(database_url, tmp_path / "data", settings))
        return started[-1].start()

    yield start
    for worker in started:
        worker.stop()


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """Starts `advisor` processes, and stops them after the test."""
    from tests.support.processes import AdvisorProcess

    started: list[AdvisorProcess] = []

    def start(command: str, database_url: str, **settings: str) -> AdvisorProcess:
        started.append(AdvisorProcess(command, database_url, tmp_path / "data", settings))
        return started[-1].start()

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def service(start_service: StartService, database_url: str) -> InProcessService:
    """A service over an empty database: no model, no bars."""
    return start_service(database_url)


@pytest.fixture
def ready_service(start_service: StartService, ready_database_url: str) -> InProcessService:
    """A service with a model and the sample's bars."""
    return start_service(ready_database_url)


@pytest.fixture
def aged_service(start_service: StartService, aged_database_url: str) -> InProcessService:
    """A service whose model has half a year still to learn."""
    return start_service(aged_database_url)


@pytest.fixture
def quick_service(start_service: StartService, quick_database_url: str) -> InProcessService:
    """A service whose model is retrained in seconds."""
    return start_service(quick_database_url)


@pytest.fixture(scope="session")
def live_in_process(
    databases: Databases, ready_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InProcessService]:
    from tests.support.in_process import InProcessService

    service = InProcessService(databases.make(ready_template), tmp_path_factory.mktemp("live")).start()
    yield service
    service.stop()


@pytest.fixture(scope="session")
def live_process(
    databases: Databases, ready_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AdvisorProcess]:
    from tests.support.processes import AdvisorProcess

    service = AdvisorProcess("serve", databases.make(ready_template), tmp_path_factory.mktemp("live")).start()
    yield service
    service.stop()


@pytest.fixture
def live_service(request: pytest.FixtureRequest) -> RunningService:
    """A service with a model and the sample's bars, for tests that leave both as they are; among faults, a process."""
    shared: RunningService = request.getfixturevalue(
        "live_process" if "faults" in request.path.parts else "live_in_process"
    )
    return shared
