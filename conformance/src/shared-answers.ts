/**
 * Answers that the checks of a run share: what one check was answered, another one that sends the same request looks at
 * as well, and the server is not asked again. Only whole answers of checks that passed are shared. A check that sends a
 * request twice gets two answers, so that one which compares answers to the same request has as many as it asks for.
 *
 * @see docs/decisions/2026-11-30-checks-share-answers.md
 */

import { createHash } from "node:crypto";
import type { Exchange, RecordedRequest } from "./exchange.ts";
import { bodyText } from "./response-body.ts";

/** An exchange that may still run. */
export interface Recorded {
  snapshot(): Exchange;
}

/** What one try of a check takes of the shared answers, and adds to them. */
export interface AnswerLoan {
  /** Called before a request is sent. @returns the answer to use in its place; null where the server has to be asked */
  take(request: RecordedRequest): Exchange | null;
  /** Called with the exchange of a request for which `take` had no answer. */
  note(request: RecordedRequest, recorded: Recorded): void;
  /** Called when the check is over. What a check did not pass with is shared no longer. */
  settle(passed: boolean): void;
}

export class SharedAnswers {
  readonly #answers = new Map<string, Exchange>();

  openLoan(): AnswerLoan {
    const sent = new Map<string, number>();
    const taken = new Set<string>();
    const places = new Map<RecordedRequest, string>();
    const noted = new Map<string, Recorded>();
    return {
      take: (request) => {
        // A form of the SDK is not recorded, so that it can't be compared with another one.
        if (request.method !== "POST" || request.body === null) return null;
        const identity = identify(request);
        const times = (sent.get(identity) ?? 0) + 1;
        sent.set(identity, times);
        const place = `${times} ${identity}`;
        taken.add(place);
        places.set(request, place);
        return this.#answers.get(place) ?? null;
      },
      note: (request, recorded) => {
        const place = places.get(request);
        if (place !== undefined) noted.set(place, recorded);
      },
      settle: (passed) => {
        if (!passed) for (const place of taken) this.#answers.delete(place);
        else {
          for (const [place, recorded] of noted) {
            const exchange = recorded.snapshot();
            if (isWhole(exchange)) this.#answers.set(place, exchange);
          }
        }
      },
    };
  }
}

function identify({ method, url, headers, body }: RecordedRequest): string {
  const head = JSON.stringify([method, url, Object.entries(headers)]);
  return createHash("sha256")
    .update(head)
    .update(body ?? "")
    .digest("base64");
}

/** The SDK stops reading a stream of chunks at its last event: with what came until then it was content. */
const SENTINEL = /(?:^|\n)data: ?\[DONE\]\s*$/;

function isWhole(exchange: Exchange): boolean {
  const { response, messages } = exchange;
  if (response?.status !== 200 || response.truncated || messages !== undefined) return false;
  return response.end === "clean" || (response.end === "aborted" && SENTINEL.test(bodyText(exchange)));
}
