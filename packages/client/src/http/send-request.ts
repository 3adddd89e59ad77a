/** One attempt of a request: credential, `fetch`, and what became of it. It knows no operation. */

import { ClientError } from "../client-error.ts";
import type { ClientSettings } from "../client-options.ts";
import { watchCall } from "./call-watch.ts";
import type { CallWatch } from "./call-watch.ts";
import { composeHeaders, findToken } from "./credential.ts";
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
    secret = await findToken(settings, request, watch);
    const response = await settings.fetch(settings.baseURL + request.path, {
      method: request.method,
      headers: composeHeaders({ ...settings.headers, ...request.headers }, secret),
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

/** An error of a custom `fetch` may show the request. */
function withoutSecret(thrown: unknown, secret: string | null): unknown {
  if (thrown instanceof ClientError || !(thrown instanceof Error) || secret === null) return thrown;
  const text = `${thrown.message} ${String(thrown.cause)}`;
  return text.includes(secret) ? new Error(redact(text, secret)) : thrown;
}
