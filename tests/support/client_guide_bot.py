"""The integration guide's code in a bot of its own, with nothing changed but the import lines.

Prints one JSON object: what the guide's three passages have come to. Runs wherever `ares_client` is installed.
"""

# ruff: noqa
# fmt: off
# mypy: ignore-errors

from typing import Dict
from datetime import datetime, timezone
from types import SimpleNamespace
import json
import logging
import sys

logger = logging.getLogger("ares")

# At the top, add import
try:
    from ares_client import get_trading_advice, TradingAdvice
    ML_ADVISOR_AVAILABLE = True
except ImportError:
    ML_ADVISOR_AVAILABLE = False


class Ares:
    tz = timezone.utc
    config = SimpleNamespace(risk_per_trade_pct=10.0, sd_multiplier=1.0)
    win_count, trade_count, total_pnl = 70, 100, 4200.0

    def get_current_market_data(self):
        return {'vix': 16.4, 'underlying_price': 2790.5}

    # In run_daily_cycle(), after getting market data:
    def run_daily_cycle(self) -> Dict:
        result = {'actions': []}

        market_data = self.get_current_market_data()
        if not market_data:
            return result

        # === NEW: ML ADVISOR CHECK ===
        if ML_ADVISOR_AVAILABLE:
            advice = get_trading_advice(
                vix=market_data['vix'],
                day_of_week=datetime.now(self.tz).weekday(),
                price=market_data['underlying_price']
            )

            logger.info(f"  ML Advice: {advice.advice.value}")
            logger.info(f"  Win Probability: {advice.win_probability:.1%}")
            logger.info(f"  Suggested Risk: {advice.suggested_risk_pct:.1f}%")

            if advice.advice == TradingAdvice.SKIP_TODAY:
                logger.info("ARES: ML advisor suggests skipping today")
                result['actions'].append(f"ML skip: {advice.win_probability:.1%} win prob")
                result['ml_advice'] = {
                    'advice': advice.advice.value,
                    'win_probability': advice.win_probability,
                    'reason': 'Low win probability'
                }
                return result

            # Optionally adjust risk based on ML suggestion
            ml_risk_pct = advice.suggested_risk_pct
            ml_sd_mult = advice.suggested_sd_multiplier
        else:
            ml_risk_pct = self.config.risk_per_trade_pct
            ml_sd_mult = self.config.sd_multiplier
        # === END ML ADVISOR CHECK ===

        result.update(risk_pct=ml_risk_pct, sd_multiplier=ml_sd_mult, source=advice.source)
        return result

    def on_close(self, position):
        from ares_client import (
            get_advisor, MLFeatures, TradeOutcome
        )

        advisor = get_advisor()

        # When position closes
        outcome = TradeOutcome.MAX_PROFIT if position.realized_pnl > 0 else TradeOutcome.PUT_BREACHED

        features = MLFeatures(
            vix=position.vix_at_entry,
            vix_percentile_30d=50,  # Calculate from history
            vix_change_1d=0,
            day_of_week=datetime.strptime(position.open_date, '%Y-%m-%d').weekday(),
            price=position.underlying_price_at_entry,
            price_change_1d=0,
            expected_move_pct=position.expected_move / position.underlying_price_at_entry * 100,
            win_rate_30d=self.win_count / max(1, self.trade_count),
            avg_pnl_30d=self.total_pnl / max(1, self.trade_count)
        )

        advisor.record_outcome(
            trade_date=position.open_date,
            features=features,
            outcome=outcome,
            net_pnl=position.realized_pnl
        )

    def retrain(self):
        from ares_client import get_advisor

        # Run monthly or after 50+ new trades
        advisor = get_advisor()
        metrics = advisor.retrain_from_outcomes(min_new_samples=50)

        if metrics:
            print(f"Retrained to v{metrics.model_version}")
            print(f"Accuracy: {metrics.accuracy:.1%}")
        return metrics


position = SimpleNamespace(
    realized_pnl=142.5,
    vix_at_entry=16.4,
    open_date='2018-12-03',
    underlying_price_at_entry=2790.5,
    expected_move=28.8,
)

if __name__ == "__main__":
    import ares_client

    bot = Ares()
    cycle = bot.run_daily_cycle()
    bot.on_close(position)
    metrics = bot.retrain()
    from ares_client import get_advisor
    # A day that is skipped has no source, and the service has answered.
    get_advisor().flush(60 if cycle.get('source', 'service') == 'service' else 0)
    print(json.dumps({
        'client': ares_client.__file__,
        'cycle': cycle,
        'retrained': metrics is not None,
        'pending': get_advisor().stats().pending,
        'quarantined': get_advisor().stats().quarantined,
    }))
    sys.stdout.flush()
