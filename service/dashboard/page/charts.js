// Two charts: a reliability diagram, and expected against realised wins.

import { draw } from "./dom.js";
import { count, percent, plain } from "./format.js";

function drawing(name, width, height, title, description) {
  return draw(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": `${name}-title ${name}-text` },
    draw("title", { id: `${name}-title` }, title),
    draw("desc", { id: `${name}-text` }, description),
  );
}

const scale = (low, high, start, end) => (value) => start + ((value - low) / (high - low)) * (end - start);
const label = (x, y, text, anchor = "middle") => draw("text", { x, y, "text-anchor": anchor }, text);

const tenthBelow = (values) => Math.min(0.9, Math.floor(10 * Math.min(...values) + 1e-9) / 10);

/** Round shares from 1 down to `low`, about six at most. */
function ticks(low) {
  const step = low < 0.5 ? 0.2 : low > 0.75 ? 0.05 : 0.1;
  return Array.from({ length: Math.floor((1 - low) / step + 1e-9) + 1 }, (_, at) => 1 - at * step);
}

/** Win rate against probability: one dot per bin with its 95 % interval, and the diagonal of a calibrated model. */
export function reliability(bins) {
  const left = tenthBelow(bins.map((bin) => bin.mean_probability));
  const low = tenthBelow(bins.flatMap((bin) => [bin.mean_probability, bin.win_rate_low]));
  const said = bins.map((bin) => `said ${percent(bin.mean_probability)}, won ${percent(bin.win_rate)} of ${bin.count}`);
  const svg = drawing(
    "reliability",
    360,
    330,
    "Reliability diagram",
    `A calibrated model lies on the diagonal. ${said.join("; ")}.`,
  );
  const x = scale(left, 1, 46, 336);
  const y = scale(low, 1, 272, 26);
  for (const tick of ticks(low)) {
    svg.append(
      draw("line", { class: "grid", x1: x(left), x2: x(1), y1: y(tick), y2: y(tick) }),
      label(x(left) - 6, y(tick) + 4, percent(tick, 0), "end"),
    );
  }
  for (const tick of ticks(left)) svg.append(label(x(tick), y(low) + 18, percent(tick, 0)));
  svg.append(
    draw("line", { class: "reference", x1: x(left), y1: y(left), x2: x(1), y2: y(1) }),
    label(2, 12, "won", "start"),
    label((x(left) + x(1)) / 2, 314, "probability said beforehand"),
  );
  for (const bin of bins) {
    const at = x(bin.mean_probability);
    svg.append(
      draw("line", {
        class: "whisker",
        x1: at,
        x2: at,
        y1: y(bin.win_rate_low),
        y2: y(Math.min(1, bin.win_rate_high)),
      }),
    );
  }
  for (const bin of bins)
    svg.append(draw("circle", { class: "dot", cx: x(bin.mean_probability), cy: y(bin.win_rate), r: 4.5 }));
  return svg;
}

/** The number of wins, and the 95 % interval that a calibrated model would expect. */
export function expectedWins({ wins, observations, expected_wins: expected, expected_wins_interval: [low, high] }) {
  const inside = low <= wins && wins <= high;
  const text = `Expected ${plain(expected, 1)}, ${low} to ${high} if calibrated; realised ${wins}, ${inside ? "inside" : "outside"} that.`;
  const svg = drawing("wins", 360, 104, "Wins expected and realised", text);
  const reach = Math.max(high - low, Math.abs(wins - expected), 4);
  const from = Math.max(0, Math.floor(Math.min(low, wins) - reach / 4));
  const to = Math.min(observations, Math.ceil(Math.max(high, wins) + reach / 4));
  const x = scale(from, Math.max(to, from + 1), 20, 340);
  svg.append(
    draw("line", { class: "axis", x1: 20, x2: 340, y1: 74, y2: 74 }),
    label(20, 94, count(from), "start"),
    label(340, 94, plain(Math.max(to, from + 1), 0), "end"),
    draw("rect", { class: "band", x: x(low), y: 44, width: Math.max(2, x(high) - x(low)), height: 22 }),
    draw("line", { class: "expected", x1: x(expected), x2: x(expected), y1: 38, y2: 72 }),
    draw("circle", { class: inside ? "dot" : "dot outside", cx: x(wins), cy: 55, r: 6 }),
    label(Math.min(Math.max(x(wins), 50), 310), 26, `realised ${count(wins)}`),
  );
  return svg;
}
