// Fills the page, asks for a key if one is needed, and follows an active retraining.

import { ApiError, ask, key } from "./api.js";
import { askForKey, confirmed } from "./dialogs.js";
import { empty, make } from "./dom.js";
import * as figures from "./figures.js";
import * as filters from "./filters.js";
import { count, plural } from "./format.js";
import * as operate from "./operate.js";

const FOLLOW_MS = 2_000;
const byId = (id) => document.getElementById(id);
let asking = null;
let following = null;
let measured = 0;

/** Fill parts of the page with what `load` returns for each, or show the failure in their place. */
async function show(ids, load) {
  for (const id of ids) byId(id).setAttribute("aria-busy", "true");
  try {
    const contents = await load();
    ids.forEach((id, at) => contents && byId(id).replaceChildren(...contents[at]));
  } catch (error) {
    for (const id of ids) byId(id).replaceChildren(trouble(error));
    if (error instanceof ApiError && error.status === 401) wantKey(error);
  } finally {
    for (const id of ids) byId(id).removeAttribute("aria-busy");
  }
}

function trouble(error) {
  if (!(error instanceof ApiError)) throw error;
  if (!error.asksForKey) return empty(`Cannot be shown now: ${error.message}.`);
  const button = make(
    "button",
    { type: "button", onclick: () => wantKey(error) },
    key.given ? "Use another key" : "Give a key",
  );
  return make("div", {}, empty(`A key that may read is needed: ${error.message}.`), button);
}

/** Ask for a key, once however many parts need one. */
async function wantKey(error) {
  if (asking) return;
  const refused = key.given && error.status === 401 ? "The service does not know the key that was used. " : "";
  asking = askForKey(
    `${refused}To look at this page a key needs the scope “read”; to retrain and to roll back, “operate”.`,
  );
  const given = await asking;
  asking = null;
  if (!given) return;
  key.use(given);
  refresh();
}

async function readiness() {
  const place = byId("readiness");
  try {
    const ready = await ask("readyz");
    place.className = "readiness ready";
    place.textContent = `Ready: ${ready.model_version} advises.`;
    return ready;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    place.className = "readiness not-ready";
    place.textContent = `Not ready: ${error.message}.`;
    return null;
  }
}

function showModels() {
  return show(["champion", "models"], async () => {
    const [ready, found] = await Promise.all([readiness(), ask("models")]);
    const serving = found.find((model) => model.state === "champion");
    const detail = serving ? await ask(`models/${serving.version}`) : null;
    return [operate.champion(detail, ready), operate.models(found, activate)];
  });
}

function showPerformance() {
  const turn = ++measured;
  return show(["calibration", "money", "drift"], async () => {
    const found = await ask(`performance?${filters.query()}`);
    return turn === measured ? [figures.calibration(found), figures.money(found), figures.drift(found)] : null;
  });
}

function showRuns() {
  return show(["retraining"], async () => {
    const found = await ask("retrain");
    const active = found.find(operate.isActive);
    if (active) follow(active);
    return [operate.runs(found)];
  });
}

/** Show a run's progress until it ends, then reload everything. */
function follow(run) {
  clearTimeout(following);
  const place = byId("active-run");
  place.hidden = !operate.isActive(run);
  place.replaceChildren(...(place.hidden ? [] : operate.activeRun(run)));
  if (place.hidden) {
    refresh();
    return;
  }
  following = setTimeout(async () => {
    try {
      follow(await ask(`retrain/${run.run_id}`));
    } catch (error) {
      if (error.asksForKey) place.replaceChildren(trouble(error));
      else follow(run);
    }
  }, FOLLOW_MS);
}

async function retrain(request) {
  byId("retrain-anyway").hidden = true;
  await act("retrain-answer", async () => {
    const answer = await ask("retrain", { method: "POST", body: request });
    if (answer.state !== "not_enough_outcomes") {
      follow(answer);
      return null;
    }
    byId("retrain-anyway").hidden = false;
    return `${plural(answer.new_outcomes, "new outcome")} of the ${count(answer.min_new_samples)} wanted: ${count(answer.missing)} missing.`;
  });
}

async function activate(model, title) {
  const text = `${model.version} will answer every request from now on, and what serves now is retired. It can be taken back the same way.`;
  if (!(await confirmed(`Make ${model.version} the champion?`, text, title))) return;
  await act("models-answer", async () => {
    const now = await ask(`models/${model.version}/activate`, { method: "POST" });
    refresh();
    return `${now.version} is the champion now.`;
  });
}

/** Make a change to the service, and report the result. */
async function act(id, work) {
  const place = byId(id);
  place.hidden = true;
  let told;
  try {
    told = await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    told = `Not done: ${error.message}.`;
    if (error.status === 401) wantKey(error);
  }
  place.textContent = told ?? "";
  place.hidden = !told;
}

function refresh() {
  byId("change-key").hidden = !key.given;
  return Promise.all([showModels(), showPerformance(), showRuns()]);
}

byId("refresh").addEventListener("click", refresh);
byId("change-key").addEventListener("click", () => wantKey(new ApiError(0, "another key was asked for")));
byId("retrain").addEventListener("click", () => retrain({}));
byId("retrain-anyway").addEventListener("click", () => retrain({ min_new_samples: 0 }));
filters.restore();
filters.onChange(showPerformance);
refresh();
