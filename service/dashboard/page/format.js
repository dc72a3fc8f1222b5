// Figures for people: aligned signs, explicit units, and a dash for missing values.

export const NONE = "–";
const GAP = "\u00a0";

const known =
  (write) =>
  (value, ...more) =>
    value === null || value === undefined ? NONE : write(value, ...more);
const minus = (text) => text.replace("-", "−");

export const plain = known((value, digits = 3) => minus(value.toFixed(digits)));
export const signed = known((value, digits = 3) => (value > 0 ? "+" : "") + minus(value.toFixed(digits)));
export const percent = known((share, digits = 1) => `${(100 * share).toFixed(digits)}${GAP}%`);
export const count = known((value) => value.toLocaleString("en-US"));
export const interval = known(([low, high], digits = 3) => `${signed(low, digits)} to ${signed(high, digits)}`);
export const dollars = known((amount) => {
  const size = Math.abs(amount).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return `${amount < 0 ? "−" : "+"}$${size}`;
});
export const moment = known((text) => `${new Date(text).toISOString().slice(0, 16).replace("T", " ")}${GAP}UTC`);

export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** Whole days from an ISO date to now. */
export const ageInDays = (day) => Math.max(0, Math.floor((Date.now() - Date.parse(day)) / 86_400_000));
