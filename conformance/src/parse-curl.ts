/** What `curl -s -i` printed, as the exchange that a check would have recorded. */

import type { Exchange } from "./exchange.ts";

const HEAD_END = "\r\n\r\n";

/** @param isCut whether curl said that the body broke off */
export function parseCurlOutput(output: Uint8Array, isCut: boolean): Exchange {
  const request = { method: "", url: "", headers: {}, body: null };
  let rest = output;
  for (;;) {
    const end = Buffer.from(rest).indexOf(HEAD_END);
    const head = end === -1 ? "" : new TextDecoder("latin1").decode(rest.subarray(0, end));
    const status = Number(/^HTTP\/\S+ (\d{3})/.exec(head)?.[1]);
    if (!(status >= 100)) return { request, response: null, transportError: "no response" };
    rest = rest.subarray(end + HEAD_END.length);
    // `100 Continue` and its like come before the answer.
    if (status >= 200 || status === 101) {
      const chunks = rest.byteLength === 0 ? [] : [{ atMs: 0, bytes: rest }];
      const headers = parseHeaders(head);
      const ending = { end: isCut ? "cut" : "clean", endAtMs: 0, truncated: false } as const;
      return { request, response: { status, headers, headersAtMs: 0, chunks, ...ending }, transportError: null };
    }
  }
}

function parseHeaders(head: string): Record<string, string> {
  const lines = head.split("\r\n").slice(1);
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}
