/** A recorded request as a `curl` line that can be pasted into a shell. Credentials become variables. */

import type { Exchange, RecordedMessage, RecordedRequest } from "./exchange.ts";
import { KEY_NAMES, type KeyName, type Target } from "./target.ts";

/** The environment variable that holds each key, here and for the command line. */
export const KEY_VARIABLES: Readonly<Record<KeyName, string>> = {
  full: "OPENAI_API_KEY",
  no_capability: "OPENAI_CONFORMANCE_KEY_NO_CAPABILITY",
  no_credit: "OPENAI_CONFORMANCE_KEY_NO_CREDIT",
  expired: "OPENAI_CONFORMANCE_KEY_EXPIRED",
  not_yet_valid: "OPENAI_CONFORMANCE_KEY_NOT_YET_VALID",
  wrong_audience: "OPENAI_CONFORMANCE_KEY_WRONG_AUDIENCE",
  wrong_issuer: "OPENAI_CONFORMANCE_KEY_WRONG_ISSUER",
  small_credit: "OPENAI_CONFORMANCE_KEY_SMALL_CREDIT",
  stream_credit: "OPENAI_CONFORMANCE_KEY_STREAM_CREDIT",
  left_credit: "OPENAI_CONFORMANCE_KEY_LEFT_CREDIT",
  completions_credit: "OPENAI_CONFORMANCE_KEY_COMPLETIONS_CREDIT",
  completions_stream_credit: "OPENAI_CONFORMANCE_KEY_COMPLETIONS_STREAM_CREDIT",
  responses_credit: "OPENAI_CONFORMANCE_KEY_RESPONSES_CREDIT",
  responses_stream_credit: "OPENAI_CONFORMANCE_KEY_RESPONSES_STREAM_CREDIT",
  embeddings_credit: "OPENAI_CONFORMANCE_KEY_EMBEDDINGS_CREDIT",
  transcriptions_credit: "OPENAI_CONFORMANCE_KEY_TRANSCRIPTIONS_CREDIT",
  transcriptions_stream_credit: "OPENAI_CONFORMANCE_KEY_TRANSCRIPTIONS_STREAM_CREDIT",
  translations_credit: "OPENAI_CONFORMANCE_KEY_TRANSLATIONS_CREDIT",
  speech_credit: "OPENAI_CONFORMANCE_KEY_SPEECH_CREDIT",
  speech_stream_credit: "OPENAI_CONFORMANCE_KEY_SPEECH_STREAM_CREDIT",
  realtime_credit: "OPENAI_CONFORMANCE_KEY_REALTIME_CREDIT",
  rate_limited: "OPENAI_CONFORMANCE_KEY_RATE_LIMITED",
  other_account: "OPENAI_CONFORMANCE_KEY_OTHER_ACCOUNT",
};

/** Headers that the SDK adds for its own statistics; they change nothing. */
const NOISE = /^(?:x-stainless-.*|user-agent|accept|content-length)$/;

/** Body characters in the line; a longer body is cut and the line says so. */
const BODY_LENGTH_MAX = 1000;
/** Bytes of a body that is no text: a short recording is whole. */
const BODY_BYTES_MAX = 49_152;

/** The line still needs `redact`: a body may hold what a header must not. */
export function encodeCurl(request: RecordedRequest, keys: Target["keys"]): string {
  const words = ["curl", "-i", ...(request.method === "GET" ? [] : ["-X", quote(request.method)]), quote(request.url)];
  for (const [name, value] of Object.entries(request.headers)) {
    if (NOISE.test(name)) continue;
    words.push("-H", name === "authorization" ? encodeAuthorization(value, keys) : quote(`${name}: ${value}`));
  }
  if (request.httpVersion === "1.0") words.push("--http1.0", "-H", "Host:");
  if (request.body === null) return words.join(" ");
  if (typeof request.body !== "string") {
    const isCut = request.body.length > BODY_BYTES_MAX;
    const line = `${encodePrintf(request.body.subarray(0, BODY_BYTES_MAX))} | ${words.join(" ")} --data-binary @-`;
    return isCut ? `${line} # body cut: ${request.body.length} bytes were sent` : line;
  }
  const cut = request.body.length > BODY_LENGTH_MAX;
  words.push("--data-binary", quote(cut ? request.body.slice(0, BODY_LENGTH_MAX) : request.body));
  return words.join(" ") + (cut ? ` # body cut: ${request.body.length} characters were sent` : "");
}

/** Characters of one message in the line: audio is long. */
const MESSAGE_LENGTH_MAX = 240;
const MESSAGES_MAX = 12;

/** The request's line; of an upgraded connection also what the client sent then, as JSON lines behind a `#`. */
export function encodeReplay({ request, messages = [] }: Exchange, keys: Target["keys"]): string {
  const line = encodeCurl(request, keys);
  const sent = messages.filter(({ from }) => from === "client");
  if (sent.length === 0) return line;
  const shown = sent.slice(0, MESSAGES_MAX).map(encodeMessage);
  const more = sent.length > shown.length ? [`and ${sent.length - shown.length} more`] : [];
  return `${line} # then send: ${[...shown, ...more].join(" ; ")}`;
}

function encodeMessage({ type, data }: RecordedMessage): string {
  const text = data.replaceAll("\n", String.raw`\n`);
  const cut = text.length > MESSAGE_LENGTH_MAX ? `${text.slice(0, MESSAGE_LENGTH_MAX)}…` : text;
  return type === "text" ? cut : `(${type} ${cut})`;
}

/** Bytes that are no text, which no argument can hold portably, as a command that prints them. */
function encodePrintf(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) =>
    byte >= 0x20 && byte < 0x7f && !`'\\%`.includes(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `\\${byte.toString(8).padStart(3, "0")}`,
  );
  // A format that begins with a hyphen would be read as an option.
  return `printf '${text.join("").replace(/^-/, String.raw`\055`)}'`;
}

/** The value with the variable of the key that it holds; as it is where it holds none, so that it still needs `redact`. */
export function describeAuthorization(value: string, keys: Target["keys"]): string {
  const [, scheme = "", token] = /^(bearer) (.+)$/i.exec(value) ?? [];
  const name = KEY_NAMES.find((candidate) => token !== undefined && token === keys[candidate]);
  return name === undefined ? value : `${scheme} $${KEY_VARIABLES[name]}`;
}

function encodeAuthorization(value: string, keys: Target["keys"]): string {
  const described = describeAuthorization(value, keys);
  return described === value ? quote(`authorization: ${value}`) : `"authorization: ${described}"`;
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
