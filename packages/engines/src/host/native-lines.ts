/**
 * Lines of a native library on their way to the log: bounded in length and in number, and without the parts that a library is known to
 * take from requests.
 */

import type { NativeLine } from "./native-model.ts";

/** Characters of a line. */
export const LINE_LENGTH_MAX = 300;

const MINUTE_MS = 60_000;

/** llama.cpp names what it can't accept: a part of a grammar, which is made of a request's schemas, or of an answer. */
const FROM_REQUESTS = /\b(error parsing grammar:|after accepting piece:).*/;

/** The first line of the text, cut. */
export function cleanLine(text: string): string {
  const [line = ""] = text.trim().split(/[\r\n]/, 1);
  return line.replace(FROM_REQUESTS, "$1 [redacted]").slice(0, LINE_LENGTH_MAX);
}

/** ONNX Runtime writes its own to standard error: time, severity, place, text, with colours on some systems. */
const ONNX_LINE = /\[([WEF]):onnxruntime:[^\]]*\] (.*)$/;
// oxlint-disable-next-line eslint/no-control-regex -- what a colour begins with
const COLOUR = /\u001B\[[\d;]*m/g;

/** @param line of standard error @returns null for a line that is none of ONNX Runtime's */
export function decodeOnnxLine(line: string): NativeLine | null {
  const [, severity, text] = ONNX_LINE.exec(line.replace(COLOUR, "").trimEnd()) ?? [];
  if (severity === undefined || text === undefined) return null;
  return { level: severity === "W" ? "warn" : "error", line: cleanLine(text) };
}

export interface LineLimitOptions {
  readonly linesPerMinute: number;
  /** Milliseconds, monotonic. */
  readonly nowMs: () => number;
}

/** In each minute so many lines are passed on, and one that says that more were left out, errors perhaps among them. */
export function limitLines<Line extends NativeLine>(
  emit: (line: Line) => void,
  { linesPerMinute, nowMs }: LineLimitOptions,
): (line: Line) => void {
  let startedAtMs = -Infinity;
  let lines = 0;
  return (line) => {
    if (nowMs() - startedAtMs >= MINUTE_MS) {
      startedAtMs = nowMs();
      lines = 0;
    }
    lines += 1;
    if (lines <= linesPerMinute) emit(line);
    else if (lines === linesPerMinute + 1) {
      emit({ ...line, level: "error", line: `More lines were left out: ${linesPerMinute} in a minute are logged.` });
    }
  };
}
