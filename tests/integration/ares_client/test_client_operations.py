"""The operator's calls against the real service; what it refuses is an error that says why."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ares_client import (
    Advisor,
    AsyncAdvisor,
    ClientSettings,
    MarketDay,
    ServiceRefusedError,
    ServiceUnreachableError,
)
from ares_client.contract import RetrainNotNeeded
from tests.support.client_support import PATIENT_SECONDS
from tests.support.processes import AdvisorProcess, wait_until


@pytest.fixture
def advisor(live_service: AdvisorProcess, tmp_path: Path) -> Iterator[Advisor]:
    settings = ClientSettings(url=live_service.url, api_key=live_service.api_key, outbox=tmp_path)
    with Advisor(settings) as made:
        yield made


def test_models_are_listed_and_inspected(advisor: Advisor) -> None:
    models = advisor.models()
    champion = next(model for model in models if model.state == "champion")
    assert champion.metrics
    assert champion.metrics.accuracy
    assert champion.metrics.accuracy > 0.5
    manifest = advisor.model(champion.version).manifest
    assert manifest
    assert manifest["format"] >= 1


def test_a_model_is_pushed_as_bytes_or_as_a_file_and_activated(
    advisor: Advisor, artefact: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "model.ares"
    file.write_bytes(artefact)
    as_bytes, as_file, as_text = (advisor.push_model(each) for each in (artefact, file, str(file)))
    assert as_bytes.sha256 == as_file.sha256 == as_text.sha256
    assert advisor.activate_model(as_bytes.version).state == "champion"
    assert advisor.push_model(artefact, activate=True).state == "champion"


def test_a_damaged_model_is_refused_with_the_reason(advisor: Advisor, artefact: bytes) -> None:
    damaged = bytearray(artefact)
    damaged[len(damaged) // 2] ^= 1
    with pytest.raises(ServiceRefusedError, match=r"HTTP 422: .+") as refused:
        advisor.push_model(bytes(damaged))
    assert refused.value.detail != "no explanation"


def test_a_model_that_is_not_there(advisor: Advisor, tmp_path: Path) -> None:
    with pytest.raises(ServiceRefusedError, match="HTTP 404"):
        advisor.activate_model("9.9.9")
    with pytest.raises(ServiceRefusedError, match="HTTP 404"):
        advisor.model("no/such model?")
    with pytest.raises(FileNotFoundError):
        advisor.push_model(tmp_path / "missing.ares")


def test_market_days_are_pushed(advisor: Advisor, sample_days: list[dict[str, Any]]) -> None:
    days = [MarketDay.model_validate(day) for day in sample_days]
    answer = advisor.push_market_days(iter(days))
    assert (answer.stored, answer.sessions) == (len(days), len(days))
    assert (answer.first, answer.last) == (days[0].date, days[-1].date)


def test_no_market_days_are_an_error(advisor: Advisor) -> None:
    with pytest.raises(ValueError, match="no market days"):
        advisor.push_market_days([])


def test_too_few_outcomes_to_retrain(advisor: Advisor, caplog: pytest.LogCaptureFixture) -> None:
    answer = advisor.retrain(min_new_samples=1_000_000)
    assert isinstance(answer, RetrainNotNeeded)
    assert answer.missing > 0
    with caplog.at_level(logging.INFO, logger="ares_client"):
        assert advisor.retrain_from_outcomes(min_new_samples=1_000_000) is None
    assert f"{answer.missing} more outcomes are needed" in caplog.text


def test_nobody_there_is_an_error(refused_url: str, tmp_path: Path) -> None:
    with (
        Advisor(ClientSettings(url=refused_url, outbox=tmp_path)) as advisor,
        pytest.raises(ServiceUnreachableError),
    ):
        advisor.models()


def test_the_asynchronous_face(
    live_service: AdvisorProcess, artefact: bytes, sample_days: list[dict[str, Any]], tmp_path: Path
) -> None:
    async def scenario() -> None:
        settings = ClientSettings(
            url=live_service.url,
            api_key=live_service.api_key,
            bot="asynchronous",
            outbox=tmp_path,
            deadline_seconds=PATIENT_SECONDS,
        )
        async with AsyncAdvisor(settings) as advisor:
            assert advisor.settings is settings
            advice = await advisor.get_trading_advice(vix=16.4, price=2790.5, day_of_week=0)
            assert advice.source == "service"
            kept = await advisor.record_outcome(
                trade_date="2018-12-03",
                features={"vix": 16.4},
                outcome="MAX_PROFIT",
                net_pnl=1,
                advice_id=advice.advice_id,
            )
            assert kept.kept_in == "outbox"
            assert await advisor.flush(PATIENT_SECONDS)
            assert (await advisor.stats()).pending == 0
            pushed = await advisor.push_model(artefact)
            assert pushed.version in {model.version for model in await advisor.models()}
            assert (await advisor.model(pushed.version)).manifest
            assert (await advisor.activate_model(pushed.version)).state == "champion"
            days = [MarketDay.model_validate(day) for day in sample_days[:2]]
            assert (await advisor.push_market_days(days)).stored == 2
            assert isinstance(await advisor.retrain(1_000_000), RetrainNotNeeded)
            assert await advisor.retrain_from_outcomes(1_000_000) is None
            assert advice.advice_id
            with pytest.raises(ServiceRefusedError):
                await advisor.retrain_run(advice.advice_id)

    asyncio.run(scenario())


def test_a_cancelled_task_does_not_cost_the_trade(refused_url: str, tmp_path: Path) -> None:
    async def scenario(advisor: Advisor) -> None:
        async with AsyncAdvisor(advisor=advisor) as asynchronous:
            task = asyncio.create_task(
                asynchronous.record_outcome(
                    trade_date="2018-12-03", features={}, outcome="MAX_PROFIT", net_pnl=1, trade_id="kept"
                )
            )
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(wait_until, lambda: advisor.stats().pending == 1)

    asyncio.run(scenario(Advisor(ClientSettings(url=refused_url, outbox=tmp_path))))
