"""What the report says about modelled money, in words."""

from __future__ import annotations

from kronos.condor.worlds import World
from kronos.report.formats import NINETY_FIVE, interval, signed
from kronos.training.money_study import ALWAYS, POLICY, MoneyStudy


def verdict(money: MoneyStudy) -> str:
    """Whether the policy beats the simple rules, and whether anything earned its costs; the worst news first."""
    gains = {world: money.growth_gain(world) for world in money.worlds}
    beaten = [world for world, (_, _, (low, _)) in gains.items() if low > 0]
    rule, gain, span = gains[World.SHORT_DATED]
    compared = (
        f"in the short-dated world its account grew by {abs(gain):.1f} % a year {'more' if gain > 0 else 'less'} than "
        f"that of “{rule}”, the best of them ({NINETY_FIVE} interval of the difference: {interval(span, 1)})"
    )
    if len(beaten) == len(gains):
        return f"In every world of price the policy beats the simple rules: {compared}. {_after_costs(money)}"
    if span[1] < 0:
        return f"The policy does not beat the simple rules: {compared}. {_after_costs(money)}"
    return f"It is not shown that the policy beats the simple rules: {compared}. {_after_costs(money)}"


def _after_costs(money: MoneyStudy) -> str:
    growing = [one for one in money.accounts if one.growth_pct > 0]
    if not growing:
        return "After costs every account shrinks in every world, so the rule that trades least loses least."
    named = sorted({f"“{one.rule}” ({one.world.money.removeprefix('modelled, ')})" for one in growing})
    return f"After costs these accounts grow: {', '.join(named)}."


def choice_in_words(money: MoneyStudy) -> str:
    """What the choice of sessions is worth where the market is as clever as the model."""
    if World.EFFICIENT not in money.worlds:
        return "No curve prices this condor, so there is no efficient world to compare with."
    choice = next(one for one in money.choices if one.world is World.EFFICIENT)
    if choice.difference is None or choice.difference_interval is None:
        return "The policy skipped no session."
    low, high = choice.difference_interval
    if low <= 0 <= high:
        return "Where the market is as clever as the model, choosing sessions earns nothing that can be told from zero."
    return (
        "Even where the market is as clever as the model, the traded and the skipped sessions differ beyond chance: "
        "look for the error in the fair credits before believing it."
    )


def growth_in_words(money: MoneyStudy, world: World) -> str:
    """The policy's growth a year beside that of always trading."""
    found = {one.rule: one.growth_pct for one in money.accounts if one.world is world}
    return f"{signed(found[POLICY], 1)} % a year by the policy, {signed(found[ALWAYS], 1)} % by always trading"
