/** Responses in the background of the reference server: one that is polled ends when it has been asked for twice. */

import type { JsonObject } from "../../src/expect.ts";

/** Of a response in the background: null in any other. */
export interface Background {
  status: "running" | "ended" | "cancelled";
  /** How often it has been asked for. */
  polls: number;
}

const POLLS_MAX = 2;

export function beginBackground(status: "running" | "ended"): Background {
  return { status, polls: 0 };
}

/** As it is when it is asked for. */
export function pollBackground(background: Background, ended: JsonObject): JsonObject {
  background.polls += 1;
  if (background.status === "running" && background.polls >= POLLS_MAX) background.status = "ended";
  return showBackground(background, ended);
}

/** One that has ended stays as it is. */
export function cancelBackground(background: Background, ended: JsonObject): JsonObject {
  if (background.status === "running") background.status = "cancelled";
  return showBackground(background, ended);
}

function showBackground({ status }: Background, ended: JsonObject): JsonObject {
  if (status === "ended") return ended;
  return showUnended(ended, status === "running" ? "in_progress" : "cancelled");
}

export function showUnended(ended: JsonObject, status: "queued" | "in_progress" | "cancelled"): JsonObject {
  return { ...ended, status, output: [], usage: null, completed_at: null, incomplete_details: null };
}
