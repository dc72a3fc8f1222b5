"""Tables on modelled money; every caption says that it is modelled."""

from __future__ import annotations

from kronos.condor.worlds import World
from kronos.report.elements import Table
from kronos.report.formats import NONE, count, dollars, dollars_interval, interval, percent, plain, signed
from kronos.training.fair_value_scores import FairValueScores
from kronos.training.money_study import ALWAYS, POLICY, MoneyStudy


def fair_value_table(scores: FairValueScores) -> Table:
    """The fair credits by multiplier."""
    rows = [
        (
            multiplier,
            plain(one.said),
            plain(one.paid),
            interval(one.bias_interval),
            signed(one.skill_recent_payout),
            interval(one.skill_recent_payout_interval),
            signed(one.skill_recent_rates),
            interval(one.skill_recent_rates_interval),
        )
        for multiplier, one in scores.by_multiplier.items()
    ]
    columns = (
        "multiplier",
        "said",
        "paid",
        "said less paid, 95 %",
        "skill over the recent payout",
        "95 %",
        "over the recent win rates",
        "95 %",
    )
    return Table("Fair credit as a forecast of the payout, index points", columns, rows)


def choices(money: MoneyStudy) -> Table:
    """What one condor earned on traded and on skipped sessions, by world."""
    rows = [
        (
            one.world.money,
            dollars(one.mean_traded),
            dollars(one.mean_skipped),
            dollars(one.difference),
            dollars_interval(one.difference_interval),
        )
        for one in money.choices
    ]
    columns = ("world", "traded", "skipped", "difference", "95 %")
    return Table("The policy's choice: modelled $ of one condor after costs", columns, rows)


def accounts(money: MoneyStudy, world: World) -> Table:
    """Every rule as an account, in one world."""
    rows = [
        (
            one.rule,
            percent(one.traded_share, 0),
            dollars(one.pnl_dollars),
            dollars_interval(one.pnl_interval),
            signed(one.growth_pct, 1),
            interval(one.growth_interval, 1),
            plain(one.max_drawdown_pct, 0),
            NONE if one.sharpe is None else plain(one.sharpe, 2),
            NONE if one.sharpe_interval is None else interval(one.sharpe_interval, 2),
            plain(one.shortfall_pct, 2),
        )
        for one in money.accounts
        if one.world is world
    ]
    columns = (
        "rule",
        "traded",
        "one condor",
        "95 %",
        "growth %",
        "95 %",
        "drawdown %",
        "Sharpe",
        "95 %",
        "shortfall %",
    )
    caption = f"Accounts that risk {money.risk_pct:g} % on a trade; money: {world.money}, $ after costs"
    return Table(caption, columns, rows)


def edges(money: MoneyStudy) -> Table:
    """What selling every session earned before costs, by year and world."""
    years = (*money.edges_by_year.items(), ("all", money.edges))
    rows = [(year, *(f"{dollars(mean)} ± {error:.2f}" for mean, error in found.values())) for year, found in years]
    columns = ("year", *(world.money for world in money.worlds))
    return Table("Edge before costs: modelled $ of one condor, ± half a 95 % interval", columns, rows)


def sizes(money: MoneyStudy) -> Table:
    """The policy and always trading, at every size, in every world."""
    scores = {(one.rule, one.world, one.risk_pct): one for one in money.sizes}
    risks = sorted({risk for _, _, risk in scores})
    ways = [(rule, world) for world in money.worlds for rule in (POLICY, ALWAYS)]
    columns = ("risk %", *(f"{rule}, {world.money.removeprefix('modelled, ')}" for rule, world in ways))
    rows = [
        (
            f"{risk:g}",
            *(
                f"{signed(scores[*way, risk].growth_pct, 0)} / {plain(scores[*way, risk].year_drawdown_pct, 0)}"
                for way in ways
            ),
        )
        for risk in risks
    ]
    return Table("Growth a year / bad year's drawdown, %, modelled", columns, rows)


def deciles(scores: FairValueScores) -> Table:
    """Payout said and paid, by tenths of the sessions."""
    rows = [
        (str(place), count(tenth.sessions), plain(tenth.said), plain(tenth.paid), interval(tenth.paid_interval))
        for place, tenth in enumerate(scores.deciles, start=1)
    ]
    return Table("Fair credit by decile, index points", ("decile", "sessions", "said", "paid", "95 %"), rows)
