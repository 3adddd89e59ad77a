/**
 * What a check throws to say how it ended. A check that returns has passed; anything thrown that is not one of these is
 * the suite's own defect (`harness-error`), never the target's.
 */

import type { Exchange } from "./exchange.ts";
import { Owners } from "./owners.ts";

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
 * Why a check says nothing, where no other check can. model: the model could not do it. chance: two equal requests were
 * answered differently, or the server was faster than the check. unrecorded: more was sent than is recorded. fixture:
 * what the operator prepared is used up. rate-limited: the target asked us to slow down. timeout and unreachable:
 * nothing came back; the runner counts these and gives up early.
 */
export type UnownedCause = "model" | "chance" | "unrecorded" | "fixture" | "rate-limited" | "timeout" | "unreachable";

/** precondition: something that another check owns does not hold. */
export type InconclusiveCause = "precondition" | UnownedCause;

/** The check could not find out, through no proven fault of the target in what the check is about. */
export class Inconclusive extends Error {
  override readonly name = "Inconclusive";
  readonly inconclusiveCause: InconclusiveCause;
  /** The checks that judge the precondition; empty for any other cause. */
  readonly owners: readonly string[];

  /** @param by the owners of the precondition, or why there are none */
  constructor(reason: string, by: Owners | UnownedCause) {
    super(reason);
    this.inconclusiveCause = by instanceof Owners ? "precondition" : by;
    this.owners = by instanceof Owners ? by.ids : [];
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
