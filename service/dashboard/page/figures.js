// Renders GET /performance: calibration, money by advice, drift.

import { expectedWins, reliability } from "./charts.js";
import { badge, empty, facts, make, note, table } from "./dom.js";
import { count, dollars, interval, NONE, percent, plain, plural, signed } from "./format.js";

const LEFT_OUT = {
  unmatched: "no advice in the log",
  in_sample: "advised by a model that had been trained on the session",
  training_unknown: "advised by a model whose training is not known",
  label_contradicted: "reported against the settlement",
  off_the_grid: "with strikes beyond the multipliers that the model prices",
  repeated: "another trade of the same session and condor",
};
const ADVICE = { TRADE_FULL: "Trade full", TRADE_REDUCED: "Trade reduced", SKIP_TODAY: "Skip today" };
const VERDICTS = { ok: "ok", watch: "watch", shifted: "shifted", too_few: "too few sessions" };

export function calibration(performance) {
  const { calibration: found, start, end } = performance;
  const where = note(
    `Sessions ${start} to ${end}${performance.bot === null ? "" : `, bot ${performance.bot}`}. `,
    scored(performance),
  );
  if (found === null) return [where, empty("No trade in this window can be scored yet.")];
  const inside = found.ece <= found.ece_band;
  return [
    where,
    make(
      "div",
      { class: "charts" },
      figure(reliability(found.bins), binsNote(found)),
      make("div", {}, figure(expectedWins(found), winsNote(found)), facts(figuresOf(found, inside))),
    ),
    make("details", {}, make("summary", {}, "The bins as a table"), binsTable(found.bins)),
    said(performance.advised),
  ];
}

function scored({ calibration: found, reported, left_out: left }) {
  const reasons = Object.entries(left).filter(([, number]) => number > 0);
  const counted = `${plural(reported.trades, "trade")} reported, ${plural(found?.observations ?? 0, "observation")} scored.`;
  if (!reasons.length) return counted;
  return `${counted} Left out: ${reasons.map(([name, number]) => `${count(number)} ${LEFT_OUT[name] ?? name}`).join("; ")}.`;
}

const figure = (drawing, caption) => make("figure", {}, drawing, make("figcaption", {}, caption));
const binsNote = ({ bins }) =>
  `Each dot is about ${plural(bins[0].count, "observation")}, its line the 95\u00a0% interval; on the diagonal, what was said came true.`;

function winsNote({ wins, observations, expected_wins: expected, expected_wins_interval: [low, high] }) {
  const verdict =
    low <= wins && wins <= high ? "as a calibrated model would" : "a calibrated model would seldom see that";
  return `Of ${plural(observations, "observation")} ${plain(expected, 1)} wins were expected, ${count(low)} to ${count(high)} at 95\u00a0%; ${count(wins)} came: ${verdict}.`;
}

const skill = (value, range) =>
  `${signed(value)} (${range === null ? "interval needs 5 wins and 5 losses" : interval(range)})`;

function skillOverRecent({ observations, recent_observations: known, ...found }) {
  if (!known) return `${NONE} (too few bars of the year before these sessions)`;
  const part = known < observations ? `, on ${plural(known, "observation")}` : "";
  return skill(found.brier_skill_recent, found.brier_skill_recent_interval) + part;
}

function figuresOf(found, inside) {
  return [
    ["Won", `${percent(found.win_rate)} (said ${percent(found.mean_probability)})`],
    ["Base rate", `${percent(found.mean_recent_rate)} recent, ${percent(found.mean_base_rate)} in training`],
    [
      "Brier",
      `${plain(found.brier, 4)} (base rate ${plain(found.recent_rate_brier, 4)} recent, ${plain(found.base_rate_brier, 4)} in training)`,
    ],
    ["Skill over the recent base rate", skillOverRecent(found)],
    ["Skill over the base rate in training", skill(found.brier_skill, found.brier_skill_interval)],
    ["Log loss", `${plain(found.log_loss, 4)} (base rate ${plain(found.base_rate_log_loss, 4)} in training)`],
    [
      "Calibration error",
      `${plain(found.ece, 4)}, ${inside ? "inside" : "outside"} the band of ${plain(found.ece_band, 4)}`,
    ],
  ];
}

function binsTable(bins) {
  const columns = ["bin", "trades", "probability", "won", "95\u00a0% interval"].map((title) => ({ title }));
  const rows = bins.map((bin, at) => [
    String(at + 1),
    count(bin.count),
    percent(bin.mean_probability),
    percent(bin.win_rate),
    `${percent(bin.win_rate_low)} to ${percent(bin.win_rate_high)}`,
  ]);
  return table("Reliability, lowest probabilities first", columns, rows);
}

function said({ sessions, model_versions: versions, statuses, reasons }) {
  const list = (counts) =>
    Object.entries(counts)
      .map(([name, number]) => `${name}: ${count(number)}`)
      .join(", ") || NONE;
  return facts([
    ["Sessions advised", count(sessions)],
    ["By model", list(versions)],
    ["Status", list(statuses)],
    ["Reasons", list(reasons)],
  ]);
}

export function money({ by_advice: byAdvice, skipped, reported }) {
  const total = reported.trades
    ? `All ${plural(reported.trades, "reported trade")} together, scored or not: ${dollars(reported.total_net_pnl_dollars)}.`
    : "No trade was reported in this window.";
  if (byAdvice.every((one) => !one.sessions && !one.trades))
    return [empty("No advice was given out of sample in this window."), note(total)];
  const columns = ["advice", "sessions", "trades", "won", "said", "mean P&L", "total P&L"].map((title) => ({ title }));
  const rows = byAdvice.map((one) => [
    ADVICE[one.advice] ?? one.advice,
    count(one.sessions),
    count(one.trades),
    percent(one.win_rate),
    percent(one.mean_probability),
    dollars(one.mean_net_pnl_dollars),
    one.trades ? dollars(one.total_net_pnl_dollars) : NONE,
  ]);
  return [
    table("As the bots reported it, after costs; advice given out of sample", columns, rows, { stacks: true }),
    note(total),
    modelled(skipped),
  ];
}

function modelled(skipped) {
  const title = make("h3", {}, "Skipped sessions ", badge("modelled", "modelled"));
  if (!skipped.sessions)
    return make("div", { class: "modelled" }, title, empty("No session was skipped on advice in this window."));
  const content = facts([
    ["Skipped, not traded", plural(skipped.sessions, "session")],
    ["Would have won", `${percent(skipped.win_rate)} (said ${percent(skipped.mean_probability)})`],
    ["Could not be modelled", skipped.not_modelled ? plural(skipped.not_modelled, "session") : null],
  ]);
  const columns = ["world of price", "sessions", "mean P&L", "total P&L"].map((name) => ({ title: name }));
  const rows = skipped.worlds.map((one) => [
    one.money,
    count(one.sessions),
    dollars(one.mean_net_pnl_dollars),
    dollars(one.total_net_pnl_dollars),
  ]);
  const worlds = table("One condor on each skipped session, after costs", columns, rows, { stacks: true });
  return make("div", { class: "modelled" }, title, content, worlds, note(skipped.note));
}

export function drift({ drift: features, champion }) {
  if (champion === null) return [empty("No model is loaded, so there is nothing to compare with.")];
  if (!features.length) return [empty("No advice in this window, or the model carries no training rows.")];
  const columns = [
    { title: "feature" },
    { title: "verdict", text: true },
    ...["PSI", "shift, SD", "outside", "watch above", "shifted above", "live mean", "trained mean", "sessions"].map(
      (title) => ({ title }),
    ),
  ];
  const rows = features.map((one) => [
    [one.feature, make("small", {}, [one.meaning, one.unit].filter(Boolean).join("; "))],
    badge(VERDICTS[one.verdict] ?? one.verdict, one.verdict),
    plain(one.psi),
    signed(one.mean_shift, 2),
    percent(one.outside_range, 0),
    plain(one.watch_above, 2),
    plain(one.shifted_above, 2),
    plain(one.live_mean, 2),
    plain(one.training_mean, 2),
    count(one.sessions),
  ]);
  return [
    table(`What was asked in this window beside what ${champion} was trained on`, columns, rows),
    note(
      "A population stability index (PSI) above its limits is larger than stretches of the training rows of the same length show; below 50 sessions it says nothing.",
    ),
  ];
}
