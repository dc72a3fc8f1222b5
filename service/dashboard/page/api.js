// Calls the service's API. The key is kept only in this tab's session storage, never in a URL.

const KEY = "advisor-key";
const PATIENCE_MS = 20_000;

/** A failure with its message and HTTP status (0 if there was no reply). */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  get asksForKey() {
    return this.status === 401 || this.status === 403;
  }
}

export const key = {
  get given() {
    return sessionStorage.getItem(KEY);
  },
  use(value) {
    sessionStorage.setItem(KEY, value);
  },
  forget() {
    sessionStorage.removeItem(KEY);
  },
};

/** The JSON of a reply. Any status but 2xx throws an ApiError with the problem's own message. */
export async function ask(path, { method = "GET", body } = {}) {
  const headers = { accept: "application/json" };
  if (key.given) headers.authorization = `Bearer ${key.given}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const reply = await send(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const content = await reply.json().catch(() => null);
  if (!reply.ok) throw new ApiError(reply.status, inWords(reply.status, content));
  return content;
}

async function send(path, options) {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    return await fetch(path, { ...options, signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    throw new ApiError(
      0,
      error.name === "TimeoutError" ? "the service does not answer" : "the service cannot be reached",
    );
  }
}

function inWords(status, problem) {
  const errors = (problem?.errors ?? []).map((one) => `${one.where}: ${one.what}`).join("; ");
  return errors || problem?.detail || problem?.title || `the service answered ${status}`;
}
