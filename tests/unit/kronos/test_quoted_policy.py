"""The policy on quotes: a quote's say only ever leaves trades out, and its expected value is what fair credits say."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from kronos.backtest import BY_SHORT_DATED, SurfacePrices, backtest
from kronos.backtest.prices import Offer
from kronos.condor.costs import Costs
from kronos.condor.pricing import SHORT_DATED
from kronos.condor.spec import CondorSpec
from kronos.errors import TrainingRefusedError
from kronos.features.variants import MARKET
from kronos.market.history import Floats, MarketHistory
from kronos.training.quoted_policy import QuotedPolicyScores, score_on_quotes

SPEC = CondorSpec()
FEES_POINTS = 0.026


@dataclass(frozen=True, eq=False)
class Rich(SurfacePrices):
    """Quotes that pay so much more than the model's world."""

    more_points: float = 0.0

    def credit_points(self, offer: Offer, costs: Costs) -> Floats:
        return super().credit_points(offer, costs) + self.more_points


def scored(history: MarketHistory, more_points: float = 0.0) -> QuotedPolicyScores:
    trades = backtest(
        history, SPEC, Costs(slippage_points=0), sd_multipliers=(1.0,), prices=Rich(SHORT_DATED, more_points)
    ).trades
    (found,) = score_on_quotes(history, SPEC, trades, MARKET)
    return found


def test_a_quote_only_leaves_trades_out(sample: MarketHistory) -> None:
    found = scored(sample)
    assert 0 < found.with_quotes.traded < found.without_quotes.traded <= found.always.traded == found.sessions
    assert found.always.total_net_pnl_dollars == pytest.approx(100 * found.mean_pnl_points * found.sessions)
    assert found.mean_pnl_points == pytest.approx(found.mean_credit_points - FEES_POINTS - found.mean_payout_points)


def test_expected_value_is_half_the_edge_less_fees(sample: MarketHistory) -> None:
    found = scored(sample)
    edge = found.mean_credit_points - found.mean_fair_credit_points
    assert found.mean_expected_pnl_points == pytest.approx(edge / 2 - FEES_POINTS)


def test_richer_quotes_keep_more_and_absurd_ones_are_named(sample: MarketHistory) -> None:
    kept = [scored(sample, more).with_quotes.traded for more in (-0.1, 0.0, 0.3)]
    assert kept[0] < kept[1] < kept[2]
    absurd = scored(sample, 3.0)
    assert absurd.implausible > absurd.sessions / 2
    assert absurd.with_quotes.traded == absurd.without_quotes.traded


def test_a_condor_that_is_not_held_has_nothing_to_score(sample: MarketHistory) -> None:
    touched = replace(SPEC, management="touch")
    trades = backtest(sample, touched, sd_multipliers=(1.0,), prices=BY_SHORT_DATED).trades
    assert score_on_quotes(sample, touched, trades, MARKET) == []


def test_too_short_a_history_is_refused(sample: MarketHistory) -> None:
    history = sample.slice(0, 200)
    trades = backtest(history, SPEC, sd_multipliers=(1.0,), prices=BY_SHORT_DATED).trades
    with pytest.raises(TrainingRefusedError):
        score_on_quotes(history, SPEC, trades, MARKET)


def test_only_sessions_with_a_prediction_count(sample: MarketHistory) -> None:
    found = scored(sample)
    assert 500 < found.sessions < len(sample.sessions) - 252
    assert np.isfinite(found.mean_fair_credit_points)
