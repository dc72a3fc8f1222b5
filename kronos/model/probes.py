"""Probes: stretches of bars, the feature values computed from them, and the curves computed from those values.

They travel inside the artefact and are computed again when it is loaded. So a formula that was changed without a new
revision, or a damaged array, is found before it answers anyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kronos.condor.spec import CondorSpec
from kronos.errors import ArtefactError
from kronos.features.matrix import features_at_entry, history_at_entry, lookback
from kronos.features.registry import Feature
from kronos.market.history import COLUMNS, Floats, MarketHistory
from kronos.market.sessions import as_date, exchange_sessions
from kronos.model.packing import Arrays, require_array

COUNT: Final = 8
MAX_PROBES: Final = 100
MAX_STRETCH_SESSIONS: Final = 2_000
FEATURE_TOLERANCE: Final = 1e-9
MADE_UP_YEARS: Final = (date(2014, 1, 2), date(2017, 12, 29))
MADE_UP_ENTRY: Final = (2010.0, 19.0)
SESSIONS_BETWEEN: Final = 7


@dataclass(frozen=True, slots=True)
class Stretch:
    """The bars known at one entry, and SPX and VIX at that entry."""

    history: MarketHistory
    price: float
    vix: float

    def values(self, spec: CondorSpec, features: Sequence[Feature]) -> Floats:
        """(len(features),) feature values of the entry on the last session; NaN where they cannot be known."""
        session = as_date(self.history.sessions[-1])
        known = features_at_entry(self.history, spec, session, self.price, self.vix, features)
        return np.array([known.get(feature.name, np.nan) for feature in features])


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """p probes.

    Attributes
    ----------
    stretches : p of them, or none in an artefact of format 1
    values : (p, features) values that the stretches gave
    """

    stretches: tuple[Stretch, ...]
    values: Floats

    @classmethod
    def of_history(
        cls,
        history: MarketHistory | None,
        spec: CondorSpec,
        entries: Sequence[tuple[date, float, float]],
        features: Sequence[Feature],
    ) -> Probes:
        """Probes at those entries, each given as session, price and VIX, whose features are all known.

        If there are none, as when training without stored bars, made-up bars are used instead.
        """
        found = [] if history is None else [_probed(history, spec, *entry, features) for entry in entries]
        complete = [(stretch, values) for stretch, values in found if not np.isnan(values).any()]
        if not complete:
            bars = made_up_bars()
            ends = bars.sessions[-COUNT * SESSIONS_BETWEEN :: SESSIONS_BETWEEN]
            complete = [_probed(bars, spec, as_date(day), *MADE_UP_ENTRY, features) for day in ends]
        for feature, column in zip(features, np.array([values for _, values in complete]).T, strict=True):
            if np.isnan(column).any():
                raise ValueError(f"the probes do not know feature {feature.name}: give `made_up_bars` what it needs")
        return cls(tuple(stretch for stretch, _ in complete), np.array([values for _, values in complete]))

    def require_reproduced(self, spec: CondorSpec, features: Sequence[Feature]) -> None:
        """Check that the stretches still give the values that they gave when the artefact was made.

        Features that read a list are left out: a corrected list changes their values, and not their meaning.

        Raises
        ------
        ArtefactError
            For the first feature that gives another value.
        """
        for stretch, expected in zip(self.stretches, self.values, strict=False):
            found = stretch.values(spec, features)
            same = np.isclose(found, expected, rtol=FEATURE_TOLERANCE, atol=FEATURE_TOLERANCE, equal_nan=True)
            same |= [feature.is_listed for feature in features]
            if not same.all():
                changed = features[int(np.flatnonzero(~same)[0])]
                raise ArtefactError(
                    f"feature {changed.name} (revision {changed.id.revision}) gives different values than when the "
                    "model was trained: its definition was changed without a new revision"
                )

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The probes as arrays of an artefact."""
        histories = [stretch.history for stretch in self.stretches]
        return {
            "probes/features": self.values,
            "probes/sessions": np.array([history.sessions for history in histories]),
            "probes/price": np.array([stretch.price for stretch in self.stretches]),
            "probes/vix": np.array([stretch.vix for stretch in self.stretches]),
            **{f"probes/bars/{name}": np.array([history.bars[name] for history in histories]) for name in COLUMNS},
        }


def made_up_bars() -> MarketHistory:
    """Four years of invented bars, smooth and never the same twice, with values in every column."""
    sessions = exchange_sessions().between(*MADE_UP_YEARS)
    t = np.arange(len(sessions), dtype=np.float64)
    close = 2000 * np.exp(0.03 * np.sin(t / 17) + 0.006 * np.cos(1.7 * t))
    vix = 18 + 5 * np.sin(t / 11) + 2 * np.cos(2.3 * t)
    up, down = 0.004 + 0.003 * np.sin(0.9 * t), 0.005 + 0.003 * np.cos(1.3 * t)
    known = {
        "spx_open": close * (1 - down / 2),
        "spx_high": close * (1 + up),
        "spx_low": close * (1 - down),
        "spx_close": close,
        "vix_open": vix + 0.4 * np.sin(t),
        "vix_high": vix + 1.5,
        "vix_low": vix - 1.5,
        "vix_close": vix,
    }
    others = {name: vix * (1 + 0.1 * np.sin(t / 7 + at)) for at, name in enumerate(COLUMNS)}
    return MarketHistory.from_bars(sessions, others | known)


def _probed(
    history: MarketHistory, spec: CondorSpec, session: date, price: float, vix: float, features: Sequence[Feature]
) -> tuple[Stretch, Floats]:
    stretch = Stretch(history_at_entry(history, spec, lookback(session, spec, features), price, vix), price, vix)
    return stretch, stretch.values(spec, features)


def unpack_probes(arrays: Arrays, features: Sequence[Feature], *, with_bars: bool) -> Probes:
    """Read the probes of an artefact.

    Parameters
    ----------
    with_bars : False for format 1, whose probes had no bars

    Raises
    ------
    ArtefactError
        If an array is missing or is not what it should be.
    """
    values = require_array(arrays, "probes/features", "float64", (None, len(features)), may_be_nan=False)
    if not 0 < len(values) <= MAX_PROBES:
        raise ArtefactError(f"an artefact must have 1 to {MAX_PROBES} probes")
    return Probes(_stretches(arrays, len(values)) if with_bars else (), values)


def _stretches(arrays: Arrays, count: int) -> tuple[Stretch, ...]:
    sessions = require_array(arrays, "probes/sessions", "datetime64[D]", (count, None))
    length = sessions.shape[1]
    if np.isnat(sessions).any() or not 0 < length <= MAX_STRETCH_SESSIONS:
        raise ArtefactError(f"a probe must have 1 to {MAX_STRETCH_SESSIONS} sessions")
    prices, vix = (require_array(arrays, f"probes/{name}", "float64", (count,)) for name in ("price", "vix"))
    present = [name for name in COLUMNS if f"probes/bars/{name}" in arrays]
    bars = {
        name: require_array(arrays, f"probes/bars/{name}", "float64", (count, length), may_be_nan=True)
        for name in present
    }
    calendar = exchange_sessions()
    stretches = []
    for at, days in enumerate(sessions):
        if not np.array_equal(days, calendar.ending_at(days[-1].item(), length)):
            raise ArtefactError("the sessions of a probe are not consecutive")
        history = MarketHistory.empty(days)
        for name, values in bars.items():
            history.bars[name][:] = values[at]
        stretches.append(Stretch(history, float(prices[at]), float(vix[at])))
    return tuple(stretches)
