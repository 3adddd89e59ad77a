/**
 * What crossed the wire in a check, as reports show it: redacted, cut to a bounded size with a note, with the time of
 * each part. It judges nothing.
 */

import { z } from "zod";
import { describeAuthorization } from "./encode-curl.ts";
import type { Exchange, RecordedMessage, RecordedRequest, RecordedResponse } from "./exchange.ts";
import type { CheckResult } from "./outcome.ts";
import type { Redact } from "./redact.ts";
import type { Target } from "./target.ts";

const headersSchema = z.record(z.string(), z.string());
const atMsSchema = z.number().describe("Milliseconds since the request was sent.");

const tracedExchangeSchema = z.strictObject({
  is_evidence: z.boolean().describe("Whether this one shows the failure: `curl` repeats it."),
  request: z.strictObject({
    method: z.string(),
    url: z.string(),
    headers: headersSchema,
    body: z.string().nullable(),
  }),
  response: z
    .strictObject({
      status: z.int(),
      headers: headersSchema,
      headers_at_ms: atMsSchema,
      parts: z.array(z.strictObject({ at_ms: atMsSchema, text: z.string() })).describe("As they arrived."),
      end: z.enum(["clean", "cut", "aborted", "open"]).describe("How the body ended; aborted: the client left."),
      end_at_ms: atMsSchema,
    })
    .nullable()
    .describe("Null when no response arrived."),
  error: z.string().nullable().describe("Why no response arrived."),
  messages: z
    .array(
      z.strictObject({ from: z.enum(["client", "server"]), at_ms: atMsSchema, type: z.string(), text: z.string() }),
    )
    .describe("Of a WebSocket, after the upgrade."),
  notes: z.array(z.string()).describe("What was left out."),
});

export const traceSchema = z.strictObject({
  exchanges: z.array(tracedExchangeSchema),
  left_out: z.int().nonnegative().describe("So many more exchanges of the check are not shown."),
});

export type Trace = z.infer<typeof traceSchema>;
export type TracedExchange = z.infer<typeof tracedExchangeSchema>;

const EXCHANGES_MAX = 3;
const REQUEST_BODY_LENGTH_MAX = 2000;
const RESPONSE_LENGTH_MAX = 4000;
const PARTS_MAX = 40;
const MESSAGES_MAX = 40;
const MESSAGE_LENGTH_MAX = 400;
const HEADER_LENGTH_MAX = 300;
const HEADERS_MAX = 30;
/** Characters that are looked through for secrets; the rest is never shown. */
const READ_LENGTH_MAX = 65_536;

/** Headers that the SDK adds for its own statistics, and those that change nothing. */
const NOISE =
  /^(?:x-stainless-.*|user-agent|accept|accept-language|accept-encoding|sec-fetch-mode|content-length|host|connection)$/;
/** A session that a server opens is nobody else's. */
const SESSION = /^(?:cookie|set-cookie)$/;

/** @returns null for a check that is nothing to look at: a pass, one that was not run, one that sent nothing */
export function encodeTrace(result: CheckResult, redact: Redact, keys: Target["keys"]): Trace | null {
  const shown = selectExchanges(result);
  if (shown.length === 0) return null;
  return {
    exchanges: shown.map((exchange) => ({
      is_evidence: exchange === result.evidence,
      ...encodeExchange(exchange, redact, keys),
    })),
    left_out: result.exchanges.filter((exchange) => !shown.includes(exchange)).length,
  };
}

/** The one that shows the failure, the first and the last, in their order. */
function selectExchanges({ outcome, exchanges, evidence }: CheckResult): readonly Exchange[] {
  if (outcome === "inconclusive" || outcome === "unsupported") return evidence === null ? [] : [evidence];
  if (outcome !== "fail" && outcome !== "warn" && outcome !== "harness-error") return [];
  const chosen = [evidence, exchanges[0], exchanges.at(-1)];
  const all = evidence === null || exchanges.includes(evidence) ? exchanges : [...exchanges, evidence];
  return all.filter((exchange) => chosen.includes(exchange)).slice(0, EXCHANGES_MAX);
}

function encodeExchange(exchange: Exchange, redact: Redact, keys: Target["keys"]): Omit<TracedExchange, "is_evidence"> {
  const { request, response, transportError, messages = [] } = exchange;
  const notes: string[] = [];
  if (messages.length > MESSAGES_MAX) notes.push(`${messages.length - MESSAGES_MAX} more messages`);
  return {
    request: encodeRequest(request, redact, keys),
    response: response === null ? null : encodeResponse(response, redact, notes),
    error: response === null ? redact(transportError ?? "unknown reason") : null,
    messages: messages.slice(0, MESSAGES_MAX).map((message) => encodeMessage(message, redact)),
    notes,
  };
}

function encodeRequest({ method, url, headers, body }: RecordedRequest, redact: Redact, keys: Target["keys"]) {
  const { authorization, ...others } = headers;
  const credential = authorization === undefined ? {} : { authorization: describeAuthorization(authorization, keys) };
  return {
    method,
    url: cutText(redact(url), REQUEST_BODY_LENGTH_MAX),
    headers: encodeHeaders({ ...credential, ...others }, redact),
    body: body === null ? null : encodeBody(body, redact),
  };
}

function encodeBody(body: string | Uint8Array, redact: Redact): string {
  if (typeof body !== "string") return `(${body.byteLength} bytes that are no text)`;
  return cutText(redact(body.slice(0, READ_LENGTH_MAX)), REQUEST_BODY_LENGTH_MAX);
}

function encodeHeaders(headers: Readonly<Record<string, string>>, redact: Redact): Record<string, string> {
  const shown = Object.entries(headers).filter(([name]) => !NOISE.test(name));
  return Object.fromEntries(
    shown
      .slice(0, HEADERS_MAX)
      .map(([name, value]) => [
        redact(name),
        SESSION.test(name) ? "[redacted]" : cutText(redact(value), HEADER_LENGTH_MAX),
      ]),
  );
}

function encodeResponse(response: RecordedResponse, redact: Redact, notes: string[]) {
  const { status, headers, headersAtMs, end, endAtMs } = response;
  return {
    status,
    headers: encodeHeaders(headers, redact),
    headers_at_ms: roundMs(headersAtMs),
    parts: encodeParts(response, redact, notes),
    end,
    end_at_ms: roundMs(endAtMs),
  };
}

interface Part {
  readonly at_ms: number;
  readonly text: string;
}

function encodeParts({ chunks, headers }: RecordedResponse, redact: Redact, notes: string[]): Part[] {
  const bytes = chunks.reduce((total, chunk) => total + chunk.bytes.byteLength, 0);
  const [first] = chunks;
  if (first === undefined) return [];
  const parts = decodeChunks(chunks);
  if (parts === null) {
    return [
      { at_ms: roundMs(first.atMs), text: `(${bytes} bytes of ${redact(headers["content-type"] ?? "no type")})` },
    ];
  }
  const whole = parts.map(({ text }) => text).join("");
  const redacted = redact(whole);
  // A secret that is sent in pieces is in none of them alone.
  const shown = redacted === whole ? parts : [{ at_ms: roundMs(first.atMs), text: redacted }];
  if (shown !== parts) notes.push(`${chunks.length} parts are shown as one: they hold what was redacted`);
  return cutParts(shown, bytes, notes);
}

/** @returns null when the beginning is no UTF-8 */
function decodeChunks(chunks: RecordedResponse["chunks"]): Part[] | null {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const parts: Part[] = [];
  let length = 0;
  try {
    for (const { atMs, bytes } of chunks) {
      const text = decoder.decode(bytes.subarray(0, READ_LENGTH_MAX), { stream: true });
      parts.push({ at_ms: roundMs(atMs), text });
      length += text.length;
      if (length > READ_LENGTH_MAX || bytes.byteLength > READ_LENGTH_MAX) break;
    }
    return parts;
  } catch {
    return null;
  }
}

function cutParts(parts: readonly Part[], bytes: number, notes: string[]): Part[] {
  const shown: Part[] = [];
  let room = RESPONSE_LENGTH_MAX;
  for (const { at_ms, text } of parts.slice(0, PARTS_MAX)) {
    if (room <= 0) break;
    shown.push({ at_ms, text: cutText(text, room) });
    room -= text.length;
  }
  const isCut = shown.length < parts.length || room < 0;
  if (isCut) notes.push(`cut: the body has ${bytes} bytes`);
  return shown;
}

function encodeMessage({ from, atMs, type, data }: RecordedMessage, redact: Redact) {
  return { from, at_ms: roundMs(atMs), type, text: cutText(redact(data), MESSAGE_LENGTH_MAX) };
}

function cutText(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}…`;
}

function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10;
}
