"""Render a study as a self-contained HTML page, without network access or scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from kronos.condor.spec import SD_MULTIPLIERS, CondorSpec
from kronos.report import effect_figures, money_figures, money_tables, score_figures
from kronos.report.elements import Table
from kronos.report.formats import count, interval, percent, plain, signed
from kronos.report.limitations import limitations, opens_table
from kronos.report.money import choice_in_words, verdict
from kronos.report.study import Study
from kronos.statistics.scores import Scores
from kronos.training.export import LIBRARIES, fingerprint
from kronos.training.fair_value_scores import FairValueScores
from kronos.training.money_study import MoneyStudy

NAMES = {
    "model": "the model",
    "climatology": "climatology",
    "recent_climatology": "win rate of the last 252 sessions",
    "logistic": "logistic regression",
    "guide_recipe": "the guide's recipe",
    "short_dated": "VIX9D alone",
    "model_beside_short_dated": "the model, where VIX9D is there",
}
SMALL_RELIABILITIES = ("0.8", "1.2", "1.5")


def render(study: Study) -> str:
    """The page as text; the same study always gives the same page."""
    environment = Environment(
        loader=PackageLoader("kronos.report"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(_content(study))


def _content(study: Study) -> Mapping[str, Any]:
    evaluation = study.evaluation
    varying = [shown for shown in study.effects if shown.varies]
    probabilities = effect_figures.common_probabilities(varying)
    return {
        "trade": describe(study.spec),
        "variant": evaluation.variant,
        "sessions": count(evaluation.sessions),
        "first": evaluation.first,
        "last": evaluation.last,
        "verdict": _verdict(evaluation.references["model"]),
        "headline": _headline(study),
        "references": _references(evaluation.references),
        "reliability": score_figures.reliability("reliability", "1.0", evaluation.references["model"]),
        "histogram": score_figures.probabilities_histogram(study),
        "small_reliabilities": [
            score_figures.reliability(f"reliability-{multiplier.replace('.', '-')}", multiplier, scores)
            for multiplier, scores in evaluation.by_multiplier.items()
            if multiplier in SMALL_RELIABILITIES
        ],
        "over_time": score_figures.over_time(study),
        "groups": [
            score_figures.skill_by(name, what, groups)
            for name, what, groups in (
                ("years", "year", evaluation.by_year),
                ("regimes", "VIX at entry", _in_order(evaluation.by_vix_regime)),
                ("multipliers", "SD multiplier", evaluation.by_multiplier),
            )
            if groups
        ],
        "by_multiplier": score_figures.skill_table("By SD multiplier", "multiplier", evaluation.by_multiplier),
        "importance": effect_figures.importance(varying),
        "directions": effect_figures.directions(varying),
        "effects": [effect_figures.effect(at, shown, probabilities) for at, shown in enumerate(varying)],
        "constant": [shown.name for shown in study.effects if not shown.varies],
        "fair_value": None if evaluation.fair_value is None else _fair_value(evaluation.fair_value),
        "money": None if evaluation.money is None else _money(study, evaluation.money),
        "outcomes": money_figures.outcomes(study),
        "limitations": list(limitations(study)),
        "opens": opens_table(study) if study.openings else None,
        "data": _data(study),
    }


def describe(spec: CondorSpec) -> str:
    """The trade in words."""
    settled = ("at that day's close", "at the next session's close")
    sessions = settled[spec.dte_sessions] if spec.dte_sessions < 2 else f"{spec.dte_sessions} sessions later"
    managed = "held to settlement" if spec.management == "hold" else "closed when a short strike is touched"
    return (
        f"Iron condor on SPX, sold at the {spec.entry}, settled {sessions}, {managed}, "
        f"wings {spec.wing_width_points:g} points wide."
    )


def _verdict(model: Scores) -> str:
    low, high = model.brier_skill_interval
    if low > 0:
        return "The model has skill: the interval lies above zero."
    return (
        "The model does worse than climatology: the interval lies below zero."
        if high < 0
        else "No skill is shown: the interval holds zero."
    )


def _headline(study: Study) -> Mapping[str, str]:
    model = study.evaluation.references["model"]
    return {
        "skill": signed(model.brier_skill),
        "interval": interval(model.brier_skill_interval),
        "recent": signed(model.brier_skill_recent),
        "recent_interval": interval(model.brier_skill_recent_interval),
        "won": percent(study.evaluation.base_rate),
        "lost": count(score_figures.losses(model)),
    }


def _references(references: Mapping[str, Scores]) -> Table:
    columns = (
        "",
        "sessions",
        "Brier",
        "Brier skill",
        "95 % interval",
        "skill over recent",
        "AUC",
        "calibration error",
        "band",
    )
    rows = [
        (
            NAMES[name],
            count(one.sessions),
            plain(one.brier, 4),
            signed(one.brier_skill),
            interval(one.brier_skill_interval),
            signed(one.brier_skill_recent),
            plain(one.auc),
            plain(one.ece, 4),
            plain(one.ece_band, 4),
        )
        for name, one in references.items()
    ]
    return Table("Out of sample at multiplier 1.0", columns, rows)


def _in_order(regimes: Mapping[str, Scores]) -> dict[str, Scores]:
    """VIX regimes by their lower bound."""
    return dict(sorted(regimes.items(), key=lambda item: float(item[0].split()[0])))


def _fair_value(scores: FairValueScores) -> Mapping[str, Any]:
    return {"figure": money_figures.fair_value(scores), "table": money_tables.fair_value_table(scores)}


def _money(study: Study, money: MoneyStudy) -> Mapping[str, Any]:
    return {
        "verdict": verdict(money),
        "choice": choice_in_words(money),
        "choices": money_tables.choices(money),
        "worlds": [(world.money, world.meaning) for world in money.worlds],
        "accounts": [money_tables.accounts(money, world) for world in money.worlds],
        "equity": money_figures.equity(study, money),
        "sizes": money_figures.sizes(money),
        "edges": money_tables.edges(money),
    }


def _data(study: Study) -> Sequence[tuple[str, str]]:
    walk, rows = study.recipe.walk_forward, study.rows
    return (
        ("training window", f"{rows.sessions[0]} to {rows.sessions[-1]}"),
        ("training sessions", count(len(rows))),
        ("losses at multiplier 1.0", count(rows.losses())),
        ("price at entry", str(study.prices)),
        ("tested", f"{study.evaluation.first} to {study.evaluation.last}, {count(study.evaluation.sessions)} sessions"),
        (
            "walk-forward",
            f"expanding, a new model every {walk.fold_sessions} sessions, the first after {walk.min_train_sessions}",
        ),
        (
            "sessions left out between training and test",
            f"{study.spec.horizon_sessions}, so that no label is used before it was known",
        ),
        ("SD multipliers", f"{SD_MULTIPLIERS[0]:.1f} to {SD_MULTIPLIERS[-1]:.1f}"),
        ("seed", str(study.recipe.seed)),
        ("fingerprint of the training rows (SHA-256)", fingerprint(rows)),
        ("libraries", ", ".join(f"{name} {version(name)}" for name in LIBRARIES)),
    )
