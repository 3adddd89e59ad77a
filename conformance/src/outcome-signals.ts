/**
 * What a check throws to say how it ended. A check that returns has passed; anything thrown that is not one of these is
 * the suite's own defect (`harness-error`), never the target's.
 */

import type { Exchange } from "./exchange.ts";

/** Who objected: what the SDK returned or threw, the body's shape, or the bytes, headers and timing of the wire. */
export type Observer = "sdk" | "schema" | "wire";

export interface FailureDetails {
  readonly observer: Observer;
  /** What the requirement allows, as the end of "expected …". */
  readonly expected: string;
  /**
   * What was seen instead, as the end of "got …"; undefined, as `JSON.stringify` makes of an absent value, is
   * "nothing".
   */
  readonly actual: string | undefined;
  /** The exchange that shows it; the last one of the check when absent. */
  readonly exchange?: Exchange;
}

/** The target does not meet the requirement that this very check is about. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly observer: Observer;
  readonly expected: string;
  readonly actual: string;
  readonly exchange: Exchange | undefined;

  constructor(details: FailureDetails) {
    const actual = details.actual ?? "nothing";
    super(`expected ${details.expected}, got ${actual}`);
    this.observer = details.observer;
    this.expected = details.expected;
    this.actual = actual;
    this.exchange = details.exchange;
  }
}

/** The target refused the feature canonically: 4xx or 501 with the error envelope naming it. */
export class Unsupported extends Error {
  override readonly name = "Unsupported";
}

/**
 * precondition: something that another check owns does not hold. model: the model could not do it. rate-limited: the
 * target asked us to slow down. timeout and unreachable: nothing came back; the runner counts these and gives up early.
 */
export type InconclusiveCause = "precondition" | "model" | "rate-limited" | "timeout" | "unreachable";

/** The check could not find out, through no proven fault of the target in what the check is about. */
export class Inconclusive extends Error {
  override readonly name = "Inconclusive";
  readonly inconclusiveCause: InconclusiveCause;

  constructor(reason: string, inconclusiveCause: InconclusiveCause = "precondition") {
    super(reason);
    this.inconclusiveCause = inconclusiveCause;
  }
}

/** A fixture is missing from the target's recipe, for example a key without credits. */
export class NotTestable extends Error {
  override readonly name = "NotTestable";
}

export type Signal = Failure | Unsupported | Inconclusive | NotTestable;

export function isSignal(thrown: unknown): thrown is Signal {
  return (
    thrown instanceof Failure ||
    thrown instanceof Unsupported ||
    thrown instanceof Inconclusive ||
    thrown instanceof NotTestable
  );
}
