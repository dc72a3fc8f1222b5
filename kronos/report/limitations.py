"""The honest limitations of the model, each with the figures that show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kronos.market.history import years_of
from kronos.report.elements import Table
from kronos.report.formats import NINETY_FIVE, count, dollars, interval, plain, signed
from kronos.report.score_figures import losses
from kronos.report.study import Study
from kronos.statistics.intervals import mean_error

RECIPE_CHOSEN_THROUGH = 2018
TRUE_OPEN_CARRIES_AT_MOST = 0.25


@dataclass(frozen=True, slots=True)
class Limit:
    """One limitation: a title, and a text with its figures."""

    title: str
    text: str


def limitations(study: Study) -> Iterator[Limit]:
    """What the reader should weigh against the headline."""
    yield _few_losses(study)
    yield _gain_over_logistic(study)
    yield _calibration(study)
    yield _bad_years(study)
    yield _modelled_money(study)
    yield _chosen_on_this_history(study)
    yield _age_of_the_data(study)
    if study.openings:
        yield _lagging_opens(study)


def opens_table(study: Study) -> Table:
    """The quality of each tested year's opens beside its skill."""
    columns = ("year", "printed gap over implied", "gap used over implied", "night carried into the day", "Brier skill")
    by_year = study.evaluation.by_year
    rows = [
        (
            str(one.year),
            plain(one.printed_deviation, 2),
            plain(one.gap_deviation, 2),
            signed(one.carried_over, 2),
            signed(by_year[str(one.year)].brier_skill) if str(one.year) in by_year else "",
        )
        for one in study.openings
    ]
    return Table("How far the opens of each tested year can be believed", columns, rows)


def _few_losses(study: Study) -> Limit:
    scores = study.evaluation.references["model"]
    years = len(np.unique(years_of(study.sessions)))
    low, high = scores.brier_skill_interval
    return Limit(
        "Few losses decide everything",
        f"{count(scores.sessions)} tested sessions in {years} calendar years hold {count(losses(scores))} losses at "
        f"multiplier 1.0. That leaves the skill uncertain by ±{plain((high - low) / 2)}: another past of this length "
        f"could just as well have shown {signed(low)} or {signed(high)}.",
    )


def _gain_over_logistic(study: Study) -> Limit:
    gain = (study.logistic - study.won) ** 2 - (study.probability - study.won) ** 2
    gain = gain / ((study.climatology - study.won) ** 2).mean()
    mean, error = float(gain.mean()), mean_error(gain)
    pair = (mean - error, mean + error)
    verdict = "which excludes zero" if pair[0] > 0 else "which does not exclude zero"
    return Limit(
        "A logistic regression gets most of the way",
        f"On the same sessions the model's skill exceeds the logistic regression's by {signed(mean)} "
        f"({NINETY_FIVE} interval, paired by session: {interval(pair)}, {verdict}).",
    )


def _calibration(study: Study) -> Limit:
    scores = study.evaluation.references["model"]
    by_multiplier = study.evaluation.by_multiplier
    outside = [name for name, one in by_multiplier.items() if one.ece > one.ece_band]
    where = f"outside it at {', '.join(outside)}" if outside else f"inside it at all {len(by_multiplier)} multipliers"
    return Limit(
        "Calibration is checked only as finely as the sample allows",
        f"At multiplier 1.0 the calibration error is {plain(scores.ece, 4)}; a perfectly calibrated model would show "
        f"up to {plain(scores.ece_band, 4)} in 19 of 20 samples of this size. Held against its own band at every "
        f"multiplier, the model is {where}.",
    )


def _bad_years(study: Study) -> Limit:
    by_year = study.evaluation.by_year
    if not by_year:
        return Limit("No year is long enough to judge", "No calendar year holds enough tested sessions for a score.")
    worst = min(by_year, key=lambda year: by_year[year].brier_skill)
    below = sum(one.brier_skill < 0 for one in by_year.values())
    clear = sum(one.brier_skill_interval[0] > 0 for one in by_year.values())
    return Limit(
        "Single years prove nothing, and some are bad",
        f"Of {len(by_year)} years {below} have a skill below zero, and in only {clear} does the {NINETY_FIVE} interval "
        f"lie above zero. The worst is {worst}: {signed(by_year[worst].brier_skill)} "
        f"({interval(by_year[worst].brier_skill_interval)}).",
    )


def _modelled_money(study: Study) -> Limit:
    money = study.evaluation.money
    if money is None:
        return Limit("No money was modelled", "Without bars there is nothing to sell at.")
    edges = "; ".join(f"{world.money}: {dollars(mean)} ± {error:.2f}" for world, (mean, error) in money.edges.items())
    return Limit(
        "The money is modelled",
        "No quote was used, and the worlds of price differ by more than most rules do. Their scales are fitted to the "
        "whole history, so that selling every session earns about nothing before costs; what is left by year is in the "
        f"table of edges. Over the tested sessions, modelled, one condor: {edges}.",
    )


def _chosen_on_this_history(study: Study) -> Limit:
    later = int((years_of(study.sessions) > RECIPE_CHOSEN_THROUGH).sum())
    return Limit(
        "The recipe was chosen with this past in sight",
        "Every probability here was made by a model that had not seen its session. But features and settings were "
        f"chosen by looking at scores through {RECIPE_CHOSEN_THROUGH}, which flatters those years; "
        f"{count(later)} of the {count(len(study.sessions))} tested sessions are later.",
    )


def _age_of_the_data(study: Study) -> Limit:
    last = study.rows.sessions[-1]
    return Limit(
        "The data ends, the market does not",
        f"The last training session is {last}. What the market learned after it is unknown to the model; once the "
        "training data is older than the service allows, its advice is marked expired and capped at TRADE_REDUCED.",
    )


def _lagging_opens(study: Study) -> Limit:
    openings = study.openings
    lagging = [one for one in openings if one.carried_over > TRUE_OPEN_CARRIES_AT_MOST]
    if not lagging:
        return Limit(
            "The price at the open is SPY's",
            f"No tested year shows opens that lag: the overnight move does not carry into the day. {study.prices}.",
        )
    years = ", ".join(str(one.year) for one in lagging)
    return Limit(
        "Opens lag, so skill at the open may not carry over",
        f"In {years} the overnight move and the move from open to close are correlated by "
        f"{signed(min(one.carried_over for one in lagging), 2)} to "
        f"{signed(max(one.carried_over for one in lagging), 2)}: the open was late, and the day still held "
        "part of the night. A trader at the true open does not meet that move, so losses, and what predicts them, "
        "may differ live.",
    )
