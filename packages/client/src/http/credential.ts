/** The credential of one attempt, and the headers that carry it. */

import { ClientError } from "../client-error.ts";
import type { ClientSettings } from "../client-options.ts";
import type { CallWatch } from "./call-watch.ts";
import type { Attempt } from "./retry.ts";

/** What a header's value may hold; `fetch` would show another value in its error. */
const HEADER_VALUE = /^[\t\x20-\x7E\x80-\xFF]*$/;

/** @returns null where none is configured. @throws ClientError where the function for it fails. */
export async function findToken(
  { token }: Pick<ClientSettings, "token">,
  { isRefused }: Attempt,
  watch: CallWatch,
): Promise<string | null> {
  if (typeof token !== "function") return token;
  const { signal } = watch;
  if (signal.aborted) throw watch.toError(signal.reason);
  const asked = Promise.resolve().then(() => token({ isRefused }));
  // The function may never return.
  return new Promise<string>((resolve, reject) => {
    const stop = () => reject(watch.toError(signal.reason));
    signal.addEventListener("abort", stop, { once: true });
    asked
      .then(resolve, (thrown: unknown) => reject(createTokenError(thrown)))
      .finally(() => {
        signal.removeEventListener("abort", stop);
      });
  });
}

function createTokenError(thrown: unknown): ClientError {
  return new ClientError({
    kind: "invalid-request",
    code: "token_failed",
    message: "The function `token` failed, so the request was not sent.",
    cause: thrown,
  });
}

/** @throws ClientError where a header can't carry a value. It names the header and doesn't show the value. */
export function composeHeaders(
  headers: Readonly<Record<string, string>>,
  token: string | null,
): Readonly<Record<string, string>> {
  const composed = token === null ? headers : { ...headers, authorization: `Bearer ${token}` };
  for (const [name, value] of Object.entries(composed)) {
    if (HEADER_VALUE.test(value)) continue;
    const what = name === "authorization" ? "The token" : `The header ${name}`;
    throw new ClientError({ kind: "invalid-request", message: `${what} holds a character that no header can carry.` });
  }
  return composed;
}
