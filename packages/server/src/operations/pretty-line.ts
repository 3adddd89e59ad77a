/** A log line as a person reads it on a terminal. It only turns what the logger wrote into other words. */

import { LOG_LEVELS } from "./log-level.ts";

const COLOURS: Readonly<Record<string, number>> = { debug: 2, info: 36, warn: 33, error: 31 };
const LEVEL_WIDTH = Math.max(...LOG_LEVELS.filter((level) => level !== "silent").map((level) => level.length));

type Fields = Readonly<Record<string, unknown>>;

/** @param json a line of the log, one JSON object. @returns one line with its break, no control character in it. */
export function encodePrettyLine(json: string, colour: boolean): string {
  const { level: rawLevel, time, message, ...fields } = parseLine(json);
  const level = String(rawLevel);
  const clock = String(time).slice("2026-01-01T".length, -".000Z".length);
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const name = paint(COLOURS[level] ?? 0, level.padEnd(LEVEL_WIDTH));
  const [title, rest] = message === "request" ? describeRequest(fields) : [printValue(message), fields];
  const details = Object.entries(rest)
    .filter(([, value]) => value !== null && value !== "" && value !== 0)
    .map(([key, value]) => `${key}=${printValue(value)}`);
  return `${paint(2, clock)} ${name} ${[title, ...(details.length === 0 ? [] : [paint(2, details.join(" "))])].join(" ")}\n`;
}

/** What the logger wrote is an object. */
function parseLine(json: string): Fields {
  const line: unknown = JSON.parse(json);
  return { ...(typeof line === "object" ? line : null) };
}

const FIRST_ERROR_STATUS = 400;

/** What a person wants to see of a request that went well fits a line of 80 characters; of another, all helps. */
function describeRequest(fields: Fields): readonly [string, Fields] {
  const { method, path, status, durationMs, operation: _operation, complete, ...rest } = fields;
  const title = `${printValue(method)} ${printValue(path)} ${printValue(status)} ${printValue(durationMs)} ms`;
  if (complete === false) return [`${title}, not read to its end`, rest];
  if (Number(status) >= FIRST_ERROR_STATUS) return [title, rest];
  const { model, promptTokens, completionTokens } = rest;
  const shown = model === undefined ? {} : { model, tokens: `${Number(promptTokens)}+${Number(completionTokens)}` };
  return [title, shown];
}

/** A value that could be taken for two, or that drives a terminal, is quoted. */
function printValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (!/[\p{Cc}\p{Zl}\p{Zp}"]/u.test(text)) return text;
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
