// Which bot and window are shown. The choice is kept in the URL, so that it can be shared and survives a reload.

const form = document.getElementById("filters");
const fields = form.elements;
const DAY_MS = 86_400_000;

/** Read the choice from the URL. */
export function restore() {
  const chosen = new URLSearchParams(location.search);
  for (const name of ["bot", "start", "end"]) fields[name].value = chosen.get(name) ?? "";
  fields.days.value = fields.start.value || fields.end.value ? "" : (chosen.get("days") ?? "365");
  if (fields.days.selectedIndex < 0) fields.days.value = "365";
  showDates();
}

/** Call back whenever the choice changes. */
export function onChange(act) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    remember();
    act();
  });
  fields.days.addEventListener("change", () => {
    showDates();
    if (fields.days.value) form.requestSubmit();
  });
}

/** The query string for GET /performance. */
export function query() {
  const asked = new URLSearchParams();
  const bot = fields.bot.value.trim();
  if (bot) asked.set("bot", bot);
  if (fields.days.value) {
    asked.set("start", new Date(Date.now() - Number(fields.days.value) * DAY_MS).toISOString().slice(0, 10));
  } else {
    for (const name of ["start", "end"]) if (fields[name].value) asked.set(name, fields[name].value);
  }
  return asked;
}

function showDates() {
  for (const one of form.querySelectorAll(".custom")) one.hidden = fields.days.value !== "";
}

function remember() {
  const asked = query();
  if (fields.days.value) {
    asked.delete("start");
    if (fields.days.value !== "365") asked.set("days", fields.days.value);
  }
  history.replaceState(null, "", asked.size ? `?${asked}` : location.pathname);
}
