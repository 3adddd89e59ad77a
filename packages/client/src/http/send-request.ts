/** One attempt of a request: credential, `fetch`, and what became of it. It knows no operation. */

import { ClientError } from "../client-error.ts";
import type { ClientSettings } from "../client-options.ts";
import { watchCall } from "./call-watch.ts";
import type { CallWatch } from "./call-watch.ts";
import { readErrorAnswer, redact } from "./read-error.ts";
import type { Attempt } from "./retry.ts";

export interface HttpRequest {
  readonly method: string;
  /** Below the base URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | FormData | null;
  readonly signal: AbortSignal | null;
  readonly timeoutMs: number;
  /** Makes the error of an answer with an error status. Default: `readErrorAnswer`. */
  readonly readError?: (response: Response, secret: string | null) => Promise<ClientError>;
}

/** A good answer whose body has not been read. */
export interface HttpAnswer {
  readonly response: Response;
  /** Still waits. Whoever reads the body closes it. */
  readonly watch: CallWatch;
  readonly requestId: string | null;
}

/** What a header's value may hold, in the words of `fetch`, which would show the value in its error. */
const HEADER_VALUE = /^[\t\x20-\x7E\x80-\xFF]*$/;

/**
 * @param read takes the answer's body, or keeps it open. What it throws counts as the attempt's failure.
 * @throws ClientError
 */
export async function sendRequest<Result>(
  settings: ClientSettings,
  request: HttpRequest & Attempt,
  read: (answer: HttpAnswer) => Promise<Result>,
): Promise<Result> {
  const watch = watchCall(request.signal, request.timeoutMs);
  let secret: string | null = null;
  try {
    secret =
      typeof settings.token === "function"
        ? await untilAborted(watch, resolveToken(settings, request))
        : settings.token;
    const response = await settings.fetch(settings.baseURL + request.path, {
      method: request.method,
      headers: composeHeaders(settings, request, secret),
      body: request.body,
      signal: watch.signal,
    });
    if (!response.ok) throw await (request.readError ?? readErrorAnswer)(response, secret);
    return await read({ response, watch, requestId: response.headers.get("x-request-id") });
  } catch (thrown) {
    const error = watch.toError(withoutSecret(thrown, secret));
    // Lets go of a body that nobody has read.
    watch.abort();
    watch.close();
    throw error;
  }
}

/** Calls the function for the token, whose failure is the caller's own. */
async function resolveToken({ token }: Pick<ClientSettings, "token">, { isRefused }: Attempt): Promise<string | null> {
  if (typeof token !== "function") return token;
  try {
    return await token({ isRefused });
  } catch (thrown) {
    throw new ClientError({
      kind: "invalid-request",
      code: "token_failed",
      message: "The function `token` failed, so the request was not sent.",
      cause: thrown,
    });
  }
}

/** A function that gives tokens may never return. */
async function untilAborted<Result>({ signal }: CallWatch, promise: Promise<Result>): Promise<Result> {
  if (signal.aborted) throw signal.reason;
  return new Promise<Result>((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

function composeHeaders(
  settings: ClientSettings,
  request: HttpRequest,
  token: string | null,
): Readonly<Record<string, string>> {
  const headers = { ...settings.headers, ...request.headers };
  if (token !== null) headers["authorization"] = `Bearer ${token}`;
  for (const [name, value] of Object.entries(headers)) {
    if (HEADER_VALUE.test(value)) continue;
    const what = name === "authorization" ? "The token" : `The header ${name}`;
    throw new ClientError({ kind: "invalid-request", message: `${what} holds a character that no header can carry.` });
  }
  return headers;
}

/** An error of a custom `fetch` may show the request. */
function withoutSecret(thrown: unknown, secret: string | null): unknown {
  if (thrown instanceof ClientError || !(thrown instanceof Error) || secret === null) return thrown;
  const text = `${thrown.message} ${String(thrown.cause)}`;
  return text.includes(secret) ? new Error(redact(text, secret)) : thrown;
}
