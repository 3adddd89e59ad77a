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
  /**
   * Called before a request is sent. Waits for a check before this one that runs at the same time and has sent it.
   *
   * @returns the answer to use in its place; null where the server has to be asked
   */
  take(request: RecordedRequest): Promise<Exchange | null>;
  /** Called with the exchange of a request for which `take` had no answer. */
  note(request: RecordedRequest, recorded: Recorded): void;
  /** Called when the check is over. What a check did not pass with is shared no longer. */
  settle(passed: boolean): void;
}

export interface LoanOptions {
  /** Of the check in the plan. Checks wait for earlier ones alone, so that no two wait for each other. Default 0. */
  readonly index?: number;
  /** Called with the end of another check that is waited for; that time is no silence of the server. */
  readonly waitFor?: (settled: Promise<void>) => Promise<void>;
}

/** A check that is running and sends a request. */
interface Sender {
  readonly index: number;
  readonly settled: Promise<void>;
}

export class SharedAnswers {
  readonly #answers = new Map<string, Exchange>();
  readonly #senders = new Map<string, Sender>();

  openLoan({ index = 0, waitFor = (settled) => settled }: LoanOptions = {}): AnswerLoan {
    const sent = new Map<string, number>();
    const taken = new Set<string>();
    const places = new Map<RecordedRequest, string>();
    const noted = new Map<string, Recorded>();
    // The suite runs on Node.js 20, which has no Promise.withResolvers.
    let end = (): void => {};
    const settled = new Promise<void>((resolve) => {
      end = resolve;
    });
    const own: Sender = { index, settled };
    let isSettled = false;
    const find = async (place: string): Promise<Exchange | null> => {
      for (;;) {
        const known = this.#answers.get(place);
        if (known !== undefined || isSettled) return known ?? null;
        const sender = this.#senders.get(place);
        if (sender === undefined || sender.index >= index) {
          this.#senders.set(place, own);
          return null;
        }
        await waitFor(sender.settled);
      }
    };
    return {
      take: async (request) => {
        // A form of the SDK is not recorded, so that it can't be compared with another one.
        if (request.method !== "POST" || request.body === null) return null;
        const identity = identify(request);
        const times = (sent.get(identity) ?? 0) + 1;
        sent.set(identity, times);
        const place = `${times} ${identity}`;
        taken.add(place);
        places.set(request, place);
        return find(place);
      },
      note: (request, recorded) => {
        const place = places.get(request);
        if (place !== undefined) noted.set(place, recorded);
      },
      settle: (passed) => {
        isSettled = true;
        if (!passed) for (const place of taken) this.#answers.delete(place);
        else {
          for (const [place, recorded] of noted) {
            const exchange = recorded.snapshot();
            if (isWhole(exchange)) this.#answers.set(place, exchange);
          }
        }
        for (const place of taken) if (this.#senders.get(place) === own) this.#senders.delete(place);
        end();
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
