/** The ways of changing a realtime wire that its catalogue is written in. */

import type { JsonObject } from "../../../src/expect.ts";
import type { RealtimeWire, Upgrade } from "../../realtime/realtime-wire.ts";
import type { ServerEvent, Session, Step, Turn } from "../../realtime/session.ts";
import type { Mutant, Naming } from "../mutant.ts";

/** Ids of checks without the name of their area. */
export function name(id: string, description: string, intended: readonly string[]): Naming {
  return { id: `realtime.${id}`, description, intended: intended.map((check) => `realtime.${check}`) };
}

export function mutateRealtime(naming: Naming, change: (wire: RealtimeWire) => Partial<RealtimeWire>): Mutant {
  return { ...naming, mutate: ({ realtime }) => ({ realtime: { ...realtime, ...change(realtime) } }) };
}

/** Changes the events of each step. */
export function mutateSteps(
  naming: Naming,
  change: (
    events: readonly ServerEvent[],
    at: { readonly before: Session | null; readonly text: string },
  ) => Step["events"],
): Mutant {
  return mutateRealtime(naming, () => ({
    step: (step, before, text) => ({ ...step, events: change(step.events, { before, text }) }),
  }));
}

/** Changes each event of a type. */
export function mutateEvents(naming: Naming, type: string, change: (event: ServerEvent) => JsonObject): Mutant {
  return mutateSteps(naming, (events) =>
    events.map((event) => (event.type.endsWith(type) ? { type: event.type, ...change(event) } : event)),
  );
}

/** Changes what is said of the text of a turn. */
export function mutateTranscript(
  naming: Naming,
  change: (events: readonly ServerEvent[], turn: Turn) => readonly ServerEvent[],
): Mutant {
  return mutateRealtime(naming, ({ transcribe }) => ({
    transcribe: (turn, wire) => change(transcribe(turn, wire), turn),
  }));
}

/** Changes everything that is said of a turn. */
export function mutateTurn(naming: Naming, change: (events: readonly ServerEvent[]) => readonly ServerEvent[]): Mutant {
  return mutateRealtime(naming, ({ turn }) => ({ turn: (given, wire) => change(turn(given, wire)) }));
}

export const isDelta = ({ type }: ServerEvent): boolean => type.endsWith("transcription.delta");
export const isCompleted = ({ type }: ServerEvent): boolean => type.endsWith("transcription.completed");

export const TRANSPORTS = ["header", "subprotocol", "query"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** By which way a credential has come. */
export function transportOf({ headers, parameters, offered }: Upgrade): Transport {
  if (headers["authorization"] !== undefined) return "header";
  if (offered.some((protocol) => protocol.startsWith("openai-insecure"))) return "subprotocol";
  return parameters["token"] === undefined ? "header" : "query";
}

/** What only a header can say. */
export const HEADER_ONLY: readonly string[] = ["missing", "malformed", "wrong-scheme"];
