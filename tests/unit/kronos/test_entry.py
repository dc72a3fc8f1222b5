"""The price at entry: what labels take, what features see, and where prints are left out."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from kronos.condor.entry import PriceSource, PriceTally, entry_price, known_price, price_sources, prints_lag
from kronos.condor.labels import wins
from kronos.condor.settlement import session_ranges
from kronos.condor.spec import CondorSpec
from kronos.features.entries import Entries
from kronos.features.matrix import feature_matrix
from kronos.features.variants import CURRENT_FEATURES
from kronos.market.history import MarketHistory
from kronos.training.rows import build_rows
from tests.support.bars import bars
from tests.support.evaluation import evaluation_history, needs_evaluation_data

OPEN, CLOSE, PRINTED = CondorSpec(), CondorSpec("close", 1), CondorSpec(label="printed_open")


def with_spy(history: MarketHistory, opens: list[float], closes: list[float]) -> MarketHistory:
    both = np.minimum(opens, closes), np.maximum(opens, closes)
    columns = {"spy_open": opens, "spy_close": closes, "spy_low": both[0], "spy_high": both[1]}
    return MarketHistory(history.sessions, history.columns | {name: np.array(of) for name, of in columns.items()})


def varied(name: str, history: MarketHistory, at: int, factor: float) -> MarketHistory:
    columns = {key: column.copy() for key, column in history.columns.items()}
    columns[name][at] *= factor
    return MarketHistory(history.sessions, columns)


def test_the_price_of_labels_holds_the_days_own_close_and_that_of_features_does_not() -> None:
    """SPY opens at 202 after 200 and closes at 201; SPX closes at 2000, then at 2013."""
    history = with_spy(bars([2000.0, 2013.0], opens=[1990.0, 2001.0]), [199.0, 202.0], [200.0, 201.0])
    np.testing.assert_allclose(entry_price(history, OPEN), [2000 * 199 / 200, 2013 * 202 / 201])
    np.testing.assert_allclose(known_price(history, OPEN), [np.nan, 2000 * 202 / 200])
    for price in (entry_price, known_price):
        np.testing.assert_array_equal(price(history, PRINTED), [1990.0, 2001.0])
        np.testing.assert_array_equal(price(history, CLOSE), [2000.0, 2013.0])


def test_without_spy_the_print_is_taken() -> None:
    history = with_spy(bars([2000.0, 2013.0], opens=[1990.0, 2001.0]), [np.nan, 202.0], [200.0, np.nan])
    np.testing.assert_array_equal(entry_price(history, OPEN), [1990.0, 2001.0])
    np.testing.assert_array_equal(known_price(history, OPEN)[:1], [1990.0])
    assert known_price(history, OPEN)[1] == pytest.approx(2000 * 202 / 200)


def test_a_session_that_lacks_spy_leaves_the_next_one_its_gap() -> None:
    """SPX prints its previous close as its open; the gap is SPY's, by the last ratio of closes within a week."""
    closes = [2000.0 + 10 * at for at in range(12)]
    history = bars(closes, opens=[2000.0, *closes[:-1]])
    opens, ends = ([close / 10 + more for close in closes] for more in (-0.3, 0.0))
    whole = known_price(with_spy(history, opens, ends), OPEN)
    missing = range(3, 4), range(3, 8)
    for gone in missing:
        lacking_opens, lacking_ends = ([np.nan if at in gone else x for at, x in enumerate(of)] for of in (opens, ends))
        price = known_price(with_spy(history, lacking_opens, lacking_ends), OPEN)
        np.testing.assert_array_equal(price[list(gone)], history.spx_open[list(gone)])
        after = gone.stop
        if len(gone) < 5:
            assert price[after] == pytest.approx(whole[after])
        else:
            assert np.isnan(price[after])
        np.testing.assert_allclose(price[after + 1 :], whole[after + 1 :])


@pytest.mark.parametrize("moved", ["spx_close", "spy_close"])
def test_the_days_own_close_moves_the_price_of_labels_and_no_feature(sample: MarketHistory, moved: str) -> None:
    at = 900
    before, after = sample, varied(moved, sample, at, 1.05)
    positions = np.array([at])
    matrices = [feature_matrix(Entries.of_history(one, OPEN, positions), CURRENT_FEATURES) for one in (before, after)]
    np.testing.assert_array_equal(matrices[0], matrices[1])
    assert not np.isnan(matrices[0]).any()
    assert entry_price(before, OPEN)[at] != entry_price(after, OPEN)[at]


def test_spys_open_is_known_at_entry(sample: MarketHistory) -> None:
    assert known_price(varied("spy_open", sample, 900, 1.01), OPEN)[900] == pytest.approx(
        1.01 * known_price(sample, OPEN)[900]
    )


def test_a_window_of_a_year_decides_on_prints_not_a_calendar_year(sample: MarketHistory) -> None:
    """The sample's prints lag until 2016; a year of true opens is needed before they are believed."""
    bare = MarketHistory(sample.sessions, sample.columns | {"spy_open": np.full(len(sample), np.nan)})
    source = price_sources(bare, OPEN)
    believed = sample.sessions[source == PriceSource.SPX_PRINT]
    assert set(np.unique(source)) == {PriceSource.SPX_PRINT, PriceSource.LAGGING_PRINT}
    assert date(2017, 1, 1) < believed[0].item() < date(2017, 12, 31)
    tally = PriceTally.of(source)
    assert tally.left_out == (source == PriceSource.LAGGING_PRINT).sum() == len(sample) - len(believed)
    assert f"left out, since SPX's printed open lags and there is no bar of SPY: {tally.left_out}" in str(tally)
    rows, said = build_rows(bare, OPEN)
    assert said == tally
    np.testing.assert_array_equal(rows.sessions, believed)


def test_a_few_sessions_do_not_tell_whether_prints_lag() -> None:
    assert not prints_lag(bars([2000.0] * 20)).any()
    assert prints_lag(bars([2000.0] * 21)).all()


def test_ranges_leave_out_stale_prints_and_misprints() -> None:
    """SPX repeats its close as its open, so that its range holds the night; SPY's holds the day alone."""
    closes = [2000.0 + 10 * at for at in range(30)]
    history = bars(closes, opens=[2000.0, *closes[:-1]])
    opens, ends = [close / 10 - 0.2 for close in closes], [close / 10 for close in closes]
    low, high = session_ranges(with_spy(history, opens, ends), OPEN)
    np.testing.assert_allclose(low[1:], np.array(closes[1:]) - 2)
    np.testing.assert_allclose(high, closes)
    misprinted = with_spy(history, opens, [*ends[:-1], ends[-1]])
    misprinted.bars["spy_high"][-1] *= 1.5
    np.testing.assert_allclose(session_ranges(misprinted, OPEN)[1], high)
    for spec, given in ((PRINTED, with_spy(history, opens, ends)), (OPEN, history)):
        np.testing.assert_array_equal(session_ranges(given, spec)[0], given.spx_low)


@needs_evaluation_data
def test_the_implied_opens_of_the_evaluation_data() -> None:
    """Wins at one expected move by print and by SPY, as decision 0013 has them; SPY closed later until 2009."""
    history = evaluation_history()
    years = history.sessions.astype("datetime64[Y]").astype(int) + 1970
    expected = {2010: (0.853, 0.925), 2014: (0.865, 0.905), 2016: (0.873, 0.929), 2018: (0.813, 0.817)}
    for year, rates in expected.items():
        for spec, rate in zip((PRINTED, OPEN), rates, strict=True):
            assert np.nanmean(wins(history, spec, [1.0])[years == year]) == pytest.approx(rate, abs=6e-4)
    source = price_sources(history, OPEN)
    assert set(np.unique(source[years < 1993])) == {PriceSource.LAGGING_PRINT}
    assert set(np.unique(source[(years > 1993) & (years < 2009)])) == {PriceSource.SPY_IMPLIED_LATE}
    assert set(np.unique(source[years > 2009])) == {PriceSource.SPY_IMPLIED}
