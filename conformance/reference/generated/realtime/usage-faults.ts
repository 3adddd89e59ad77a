/** What is said of the length of a turn, and of its text, wrong in a way that keeps its type. */

import { isJsonObject } from "../../../src/expect.ts";
import type { ServerEvent } from "../../realtime/session.ts";
import type { Fault } from "../fault.ts";
import { isCompleted, isDelta } from "../../mutants/realtime/mutate-realtime.ts";
import { defineRealtimeFault } from "./realtime-fault.ts";

const SECONDS: Readonly<Record<string, (seconds: number) => number>> = {
  zero: () => 0,
  negative: (seconds) => -seconds,
  doubled: (seconds) => 2 * seconds,
  halved: (seconds) => seconds / 2,
  "in-milliseconds": (seconds) => 1000 * seconds,
  constant: () => 30,
};

function changeSeconds(event: ServerEvent, change: (seconds: number) => number): ServerEvent {
  const { usage } = event;
  return isCompleted(event) && isJsonObject(usage)
    ? { ...event, usage: { ...usage, seconds: change(Number(usage["seconds"])) } }
    : event;
}

function changeText(event: ServerEvent, name: string, change: (text: string) => string): ServerEvent {
  const { [name]: text } = event;
  return typeof text === "string" ? { ...event, [name]: change(text) } : event;
}

type EventsChange = (events: readonly ServerEvent[]) => readonly ServerEvent[];

const TEXTS: Readonly<Record<string, EventsChange>> = {
  "delta-trimmed": (events) =>
    events.map((event) => (isDelta(event) ? changeText(event, "delta", (text) => text.trim()) : event)),
  "delta-upper-case": (events) =>
    events.map((event) => (isDelta(event) ? changeText(event, "delta", (text) => text.toUpperCase()) : event)),
  "transcript-upper-case": (events) =>
    events.map((event) => changeText(event, "transcript", (text) => text.toUpperCase())),
  "transcript-empty": (events) => events.map((event) => changeText(event, "transcript", () => "")),
  "transcript-cut": (events) =>
    events.map((event) => changeText(event, "transcript", (text) => text.slice(0, text.length >> 1))),
  "transcript-doubled": (events) => events.map((event) => changeText(event, "transcript", (text) => `${text} ${text}`)),
  "completed-as-delta": (events) =>
    events.map((event) => (isCompleted(event) ? { ...event, type: event.type.replace("completed", "delta") } : event)),
  failed: (events) =>
    events.map((event) =>
      isCompleted(event)
        ? {
            type: event.type.replace("completed", "failed"),
            item_id: event["item_id"],
            content_index: 0,
            error: { type: "server_error", code: "engine_failed", message: "It failed." },
          }
        : event,
    ),
};

export function listRealtimeUsageFaults(): readonly Fault[] {
  const numbers = Object.entries(SECONDS).map(([name, change]) =>
    defineRealtimeFault(
      { id: `usage.${name}`, description: `the seconds of a turn: ${name}`, operator: "usage" },
      ({ transcribe }) => ({
        transcribe: (turn, wire) => transcribe(turn, wire).map((event) => changeSeconds(event, change)),
      }),
    ),
  );
  const texts = Object.entries(TEXTS).map(([name, change]) =>
    defineRealtimeFault(
      { id: `text.${name}`, description: `the text of a turn: ${name}`, operator: "text" },
      ({ transcribe }) => ({ transcribe: (turn, wire) => change(transcribe(turn, wire)) }),
    ),
  );
  return [...numbers, ...texts];
}
