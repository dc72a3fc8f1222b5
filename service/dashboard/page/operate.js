// Renders the champion, the retrainings and the models.

import { badge, day, empty, facts, make, table } from "./dom.js";
import { ageInDays, count, interval, moment, NONE, percent, plain, plural, signed } from "./format.js";

const ACTIVE = ["queued", "running"];
const KINDS = {
  promoted: "ok",
  champion: "ok",
  refused: "watch",
  failed: "shifted",
  queued: "too_few",
  running: "too_few",
};

export const isActive = (run) => ACTIVE.includes(run.state);

export function champion(model, ready) {
  if (model === null)
    return [empty("There is no champion. Train one with “kronos train --push”, or upload an artefact.")];
  const trained = model.manifest?.training ?? {};
  return [
    facts([
      ["Version", make("strong", {}, model.version)],
      [
        "Trained through",
        trained.last ? [day(trained.last), ` (${plural(ageInDays(trained.last), "day")} ago)`] : null,
      ],
      ["Trained on", trained.sessions ? [`${plural(trained.sessions, "session")} from `, day(trained.first)] : null],
      [
        "Silenced variants",
        model.silenced_variants?.length ? [badge(model.silenced_variants.join(", "), "watch")] : null,
      ],
      ["Champion since", model.activated_at ? moment(model.activated_at) : null],
      ["Bars through", ready?.market_days_through ?? "no bars are stored"],
    ]),
    ...scores(model.metrics),
  ];
}

function scores(metrics) {
  if (!metrics) return [];
  const inside = metrics.ece <= metrics.ece_band ? "inside" : "outside";
  return [
    make("h3", {}, "Out-of-sample scores"),
    facts([
      ["Brier skill", `${signed(metrics.brier_skill)} (${interval(metrics.brier_skill_interval)})`],
      [
        "Against the last 252 sessions",
        metrics.brier_skill_recent === null
          ? null
          : `${signed(metrics.brier_skill_recent)} (${interval(metrics.brier_skill_recent_interval)})`,
      ],
      ["Brier", plain(metrics.brier, 4)],
      ["Log loss", plain(metrics.log_loss, 4)],
      ["AUC", plain(metrics.auc)],
      ["Calibration error", `${plain(metrics.ece, 4)}, ${inside} the band of ${plain(metrics.ece_band, 4)}`],
      ["Base rate", `${percent(metrics.base_rate)} of ${plural(metrics.sessions, "session")}`],
    ]),
  ];
}

export function activeRun(run) {
  const where = run.state === "queued" ? "waiting for a worker" : (run.phase ?? "training");
  const known = run.state === "running" && typeof run.progress === "number";
  const bar = make("progress", {
    max: 1,
    value: known ? run.progress : null,
    "aria-label": "Progress of the retraining",
  });
  return [
    make("p", {}, badge(run.state, KINDS[run.state]), ` ${where}${known ? `, ${percent(run.progress, 0)}` : ""}`),
    bar,
  ];
}

export function runs(found) {
  if (!found.length) return [empty("No retraining has been asked for yet.")];
  return found.slice(0, 10).map((run) => {
    const title = make(
      "summary",
      {},
      badge(run.state, KINDS[run.state] ?? "too_few"),
      ` ${moment(run.requested_at)} `,
      [run.model_version, run.reason].filter(Boolean).join(": "),
    );
    const content = facts([
      ["Asked by", run.requested_by ?? null],
      ["New outcomes", count(run.new_outcomes)],
      ["Gate", run.forced ? "skipped, as asked" : null],
      ["Finished", run.finished_at ? moment(run.finished_at) : null],
      [
        "Brier skill",
        run.metrics ? `${signed(run.metrics.brier_skill)} (${interval(run.metrics.brier_skill_interval)})` : null,
      ],
      ["Log loss", run.metrics ? plain(run.metrics.log_loss, 4) : null],
    ]);
    const figures = flat(run.figures ?? {});
    const columns = [{ title: "figure" }, { title: "value" }];
    return make(
      "details",
      { class: "run" },
      title,
      content,
      figures.length ? table("The gate's figures", columns, figures) : null,
    );
  });
}

/** Nested figures as rows, each a dotted name and a value. */
function flat(figures, above = "") {
  return Object.entries(figures).flatMap(([name, value]) => {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return flat(value, `${above}${name}.`);
    return [[above + name, inShort(value)]];
  });
}

function inShort(value) {
  if (typeof value === "number") return Number.isInteger(value) ? count(value) : plain(value, 4);
  if (Array.isArray(value)) return value.map(inShort).join(", ");
  return value === null ? NONE : String(value);
}

export function models(found, activate) {
  if (!found.length) return [empty("No model is stored yet.")];
  const columns = [
    { title: "version" },
    { title: "state", text: true },
    { title: "origin", text: true },
    { title: "stored at", text: true },
    { title: "Brier skill" },
    { title: "calibration error" },
    { title: "action", text: true },
  ];
  const rows = found.map((model) => [
    model.version,
    badge(model.state, KINDS[model.state] ?? "too_few"),
    model.origin,
    moment(model.created_at),
    signed(model.metrics?.brier_skill),
    plain(model.metrics?.ece, 4),
    action(model, activate),
  ]);
  return [table("Newest first", columns, rows, { stacks: true })];
}

function action(model, activate) {
  if (model.state === "champion") return "serving";
  if (model.state === "refused") return NONE;
  if (model.stored === false) return "bytes no longer kept";
  const title = model.state === "retired" ? "Roll back to this" : "Activate";
  return make(
    "button",
    { type: "button", "aria-label": `${title}: ${model.version}`, onclick: () => activate(model, title) },
    title,
  );
}
