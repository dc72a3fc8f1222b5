"""The dashboard in a real browser, where one is installed: it fits, tells the truth, and runs nothing from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from kronos.training.rows import TrainingRows
from tests.support.browser import BROWSER, Browser
from tests.support.in_process import InProcessService, StartService
from tests.support.lived import ask, logged, report, trade
from tests.support.processes import Databases, query
from tests.support.running_service import RunningService
from tests.support.shared import AGED_THROUGH

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser is installed")

KEY = "a-key-of-the-operators-0123456789abcdef"
WINDOW = "?start=2018-01-01&end=2018-12-31"
HOSTILE = "<img/src=x/onerror=alert(1)>"
FILLED = """!document.querySelector('[aria-busy]')
  && ['champion', 'calibration', 'money', 'drift', 'retraining', 'models']
    .every(id => document.getElementById(id).childElementCount)"""
CLIPPED = """[...document.querySelectorAll('svg')].flatMap(drawing => {
  const frame = drawing.getBoundingClientRect();
  return [...drawing.querySelectorAll('text')].filter(text => {
    const box = text.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1 || box.height < 9;
  }).map(text => text.textContent);
})"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(autouse=True)
def _forget(browser: Browser) -> None:
    browser.complaints.clear()
    browser.requests.clear()


@pytest.fixture(scope="module")
def lived(
    databases: Databases, aged_template: str, sample_rows: TrainingRows, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """Half a year of advice and trades, of two bots, one of them with a name that is an attack."""
    service = InProcessService(databases.make(aged_template), tmp_path_factory.mktemp("lived")).start()
    rows = sample_rows.take(sample_rows.sessions > AGED_THROUGH)
    said = [ask(service, rows, at) for at in range(len(rows))]
    ask(service, rows, 0, bot=HOSTILE)
    logged(service, len(rows) + 1)
    report(service, [trade(rows, at) for at, one in enumerate(said) if one["advice"] != "SKIP_TODAY"])
    report(service, [trade(rows, 0, bot=HOSTILE)])
    yield service
    service.stop()


def show(browser: Browser, service: RunningService, search: str = WINDOW) -> None:
    browser.open(f"{service.url}/{search}")
    browser.wait_for(FILLED)


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("lived_in", [True, False], ids=["full", "empty"])
def test_it_fits(browser: Browser, lived: RunningService, width: int, lived_in: bool) -> None:
    browser.resize(width)
    show(browser, lived, WINDOW if lived_in else "?bot=nobody")
    browser.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert browser.evaluate("innerWidth") == width
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate(CLIPPED) == []
    assert browser.evaluate("document.querySelectorAll('svg').length") == (2 if lived_in else 0)


def test_it_shows_what_the_api_says(browser: Browser, lived: RunningService) -> None:
    browser.resize(1280)
    show(browser, lived)
    found = lived.request("GET", f"/performance{WINDOW}").json()
    wins = found["calibration"]["wins"]
    low, high = found["calibration"]["expected_wins_interval"]
    assert browser.text("#readiness") == "Ready: 1.0.0 advises."
    assert "2018-06-29" in browser.text("#champion")
    assert f"{low} to {high} at 95\u00a0%; {wins} came" in browser.text("#calibration")
    dots = browser.evaluate("document.querySelectorAll('svg:first-of-type .whisker').length")
    assert dots == len(found["calibration"]["bins"])
    assert browser.evaluate("document.querySelectorAll('#drift tbody tr').length") == len(found["drift"])
    full = found["by_advice"][0]
    assert f"{full['total_net_pnl_dollars']:+,.2f}".replace("+", "+$").replace("-", "\u2212$") in browser.text("#money")
    modelled = browser.text("div.modelled")
    assert "MODELLED" in modelled.upper()
    assert "Never add it to reported money" in modelled
    assert f"{abs(found['skipped']['total_net_pnl_dollars']):,.2f}" in modelled


def test_the_skill_against_the_recent_base_rate_comes_first(browser: Browser, lived: RunningService) -> None:
    browser.resize(1280)
    show(browser, lived)
    found = lived.request("GET", f"/performance{WINDOW}").json()["calibration"]
    said = browser.text("#calibration").replace("\u2212", "-")
    recent, training = (
        said.index(f"Skill over the {which}") for which in ("recent base rate", "base rate in training")
    )
    assert recent < training
    assert f"{found['brier_skill_recent']:+.3f}" in said[recent:training]
    assert f"{found['brier_skill']:+.3f}" in said[training:]


def test_without_bars_the_recent_skill_is_absent_and_said(
    browser: Browser, start_service: StartService, aged_database_url: str, sample_rows: TrainingRows
) -> None:
    query(aged_database_url, "DELETE FROM market_days WHERE session < '2018-05-01'")
    service = start_service(aged_database_url)
    rows = sample_rows.take(sample_rows.sessions > AGED_THROUGH)
    ask(service, rows, 0)
    logged(service, 1)
    report(service, [trade(rows, 0)])
    show(browser, service)
    assert "\u2013 (too few bars of the year before these sessions)" in browser.text("#calibration")


def test_it_asks_nobody_else_and_complains_of_nothing(browser: Browser, lived: RunningService) -> None:
    show(browser, lived)
    assert browser.complaints == []
    elsewhere = [url for url in browser.requests if not url.startswith((f"{lived.url}/", "data:"))]
    assert browser.requests
    assert elsewhere == []


def test_drawings_and_tables_speak(browser: Browser, lived: RunningService) -> None:
    show(browser, lived)
    titles = browser.evaluate("[...document.querySelectorAll('svg > title')].map(one => one.textContent)")
    assert titles == ["Reliability diagram", "Wins expected and realised"]
    unlabelled = """[...document.querySelectorAll('input, select')].filter(one => !one.labels.length).length
      + [...document.querySelectorAll('th')].filter(one => !one.scope).length
      + [...document.querySelectorAll('table')].filter(one => !one.caption).length
      + [...document.querySelectorAll('button')].filter(one => !one.innerText && !one.closest('dialog')).length"""
    assert browser.evaluate(unlabelled) == 0


def test_it_follows_the_colour_scheme(browser: Browser, lived: RunningService) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    browser.resize(390, dark=True)
    show(browser, lived)
    assert browser.evaluate(paper) == "rgb(18, 22, 27)"
    browser.resize(390)
    assert browser.evaluate(paper) == "rgb(255, 255, 255)"


def test_what_comes_from_outside_is_text(browser: Browser, lived: RunningService) -> None:
    query(
        lived.database_url,
        """INSERT INTO retrain_runs (run_id, forced, min_new_samples, new_outcomes, verdict, reason, figures)
           VALUES (gen_random_uuid(), false, 0, 0, 'refused', $1, jsonb_build_object($1::text, $1::text))""",
        HOSTILE,
    )
    query(
        lived.database_url,
        "UPDATE advice_log SET reply = jsonb_set(reply, '{reasons}', jsonb_build_array($1::text)) WHERE bot = $1",
        HOSTILE,
    )
    show(browser, lived)
    browser.evaluate(f"document.querySelector('[name=bot]').value = {json.dumps(HOSTILE)}")
    browser.click("#filters button")
    browser.wait_for("document.querySelector('#calibration').innerText.includes('bot <img')")
    assert HOSTILE in browser.text("#retraining summary")
    assert f"{HOSTILE}: 1" in browser.text("#calibration")
    assert browser.evaluate("document.images.length") == 0
    assert browser.complaints == []
    assert "bot=%3Cimg" in browser.evaluate("location.search")


def test_an_empty_service_says_so_in_words(browser: Browser, service: RunningService) -> None:
    browser.resize(390)
    show(browser, service, "")
    assert browser.text("#readiness").startswith("Not ready: no model is loaded")
    for part, words in {
        "champion": "There is no champion",
        "calibration": "No trade in this window can be scored yet",
        "money": "No trade was reported in this window",
        "drift": "No model is loaded",
        "retraining": "No retraining has been asked for yet",
        "models": "No model is stored yet",
    }.items():
        assert words in browser.text(f"#{part}")
    assert all("readyz" in complaint for complaint in browser.complaints)


def test_it_asks_for_a_key_and_keeps_it_in_the_tab(
    browser: Browser, start_service: StartService, database_url: str
) -> None:
    guarded = start_service(database_url, api_key=KEY)
    browser.resize(390)
    browser.open(f"{guarded.url}/")
    for given in ("not-this-one", KEY):
        browser.wait_for("document.querySelector('#key-dialog').open")
        browser.wait_for("!document.querySelector('[aria-busy]')")
        browser.evaluate(f"document.querySelector('#key').value = '{given}'")
        browser.click("#key-form button")
    browser.wait_for("document.querySelector('#models').innerText.includes('No model is stored yet')")
    assert browser.evaluate("document.querySelector('#key-dialog').open") is False
    assert browser.evaluate("location.href") == f"{guarded.url}/"
    assert browser.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]
    assert not [url for url in browser.requests if KEY in url]


def test_retraining_is_asked_for_followed_and_explained(browser: Browser, ready_service: RunningService) -> None:
    browser.resize(390)
    show(browser, ready_service, "")
    browser.click("#retrain")
    browser.wait_for("!document.querySelector('#retrain-answer').hidden")
    assert browser.text("#retrain-answer") == "0 new outcomes of the 50 wanted: 50 missing."
    browser.click("#retrain-anyway")
    browser.wait_for("document.querySelector('#active-run').innerText.includes('waiting for a worker')")
    url = ready_service.database_url
    query(url, "UPDATE pgqueuer SET status = 'picked'")
    query(url, "UPDATE retrain_runs SET phase = 'training full', progress = 0.25")
    browser.wait_for("document.querySelector('progress').value === 0.25")
    assert "training full, 25\u00a0%" in browser.text("#active-run")
    query(
        url,
        """UPDATE retrain_runs SET verdict = 'refused', reason = 'it was worse', finished_at = now(),
           figures = '{"log_loss": {"worse_by": 0.0312}}'""",
    )
    browser.wait_for("document.querySelector('#active-run').hidden")
    browser.wait_for("document.querySelector('#retraining').innerText.includes('it was worse')")
    browser.click("#retraining summary")
    assert "log_loss.worse_by" in browser.text("#retraining table")
    assert "0.0312" in browser.text("#retraining table")
    assert browser.complaints == []


def test_a_version_is_activated_after_it_was_confirmed(
    browser: Browser, ready_service: RunningService, aged_artefact: bytes
) -> None:
    older = ready_service.request("POST", "/models", body=aged_artefact).json()
    assert (older["version"], older["state"]) == ("2.0.0", "candidate")
    browser.resize(390)
    show(browser, ready_service, "")
    for answer, serving in (("#confirm-no", "1.0.0"), ("#confirm-yes", "2.0.0")):
        browser.click("#models button")
        browser.wait_for("document.querySelector('#confirm-dialog').open")
        assert browser.text("#confirm-title") == "Make 2.0.0 the champion?"
        browser.click(answer)
        browser.wait_for("!document.querySelector('#confirm-dialog').open")
        browser.wait_for(f"document.querySelector('#champion').innerText.includes('{serving}')")
    browser.wait_for(FILLED)
    assert browser.text("#models-answer") == "2.0.0 is the champion now."
    assert browser.text("#models button") == "Roll back to this"
