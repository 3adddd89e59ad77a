/**
 * Checks of what preflights say to web pages of several origins, and whether the answers that follow agree with them.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, expectThat } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { requireStatus } from "../support/envelope.ts";
import { OWNERS } from "../support/owners.ts";

const HTTP = { area: "http", tier: "protocol", operation: "listModels", needs: [] } as const;

/** A page of the web, one of the same machine, a file or a sandboxed frame, and an origin that must not be trusted. */
const ORIGINS = ["https://conformance.example", "http://localhost:3000", "null", "https://evil.invalid"] as const;

const WEB_PAGE = ORIGINS[0];

async function sendPreflight(
  context: CheckContext,
  origin: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Exchange> {
  const headers = {
    origin,
    "access-control-request-method": "GET",
    "access-control-request-headers": "authorization",
    ...more,
  };
  return context.wire({ method: "OPTIONS", path: "/models", credential: null, headers });
}

/** Whether a browser lets a page of this origin go on. */
function isAllowed({ response }: Exchange, origin: string): boolean {
  const allowed = response?.headers["access-control-allow-origin"];
  return allowed === "*" || allowed === origin;
}

export const httpCorsChecks: readonly Check[] = [
  defineCheck({
    ...HTTP,
    id: "http.cors.preflight-agrees",
    level: "should",
    requirement: "A preflight allows an origin if and only if the answer does, whatever the origin is.",
    reference: "Fetch Standard, CORS-preflight fetch and CORS check",
    breaks: 'A page that may send the call may not read its answer: "Connection error." for a call that worked.',
    async run(context) {
      for (const origin of ORIGINS) {
        const preflight = await sendPreflight(context, origin);
        const answer = await context.wire({ method: "GET", path: "/models", headers: { origin } });
        requireStatus(answer, 200);
        const [before, after] = [isAllowed(preflight, origin), isAllowed(answer, origin)];
        if (origin === WEB_PAGE && before !== after)
          throw new Inconclusive("other checks judge a page of the web", OWNERS.preflight);
        const actual = `of ${origin}: ${before ? "allowed" : "not allowed"} before, ${after ? "" : "not "}allowed after`;
        expectThat(before === after, { observer: "wire", expected: "the same from both", actual });
      }
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.cors.no-credentials",
    level: "should",
    requirement: "No preflight allows credentials to whatever origin asks, for keys travel in `Authorization`.",
    reference: "Fetch Standard, Access-Control-Allow-Credentials; CWE-942",
    breaks: "Cookies of a proxy in front of the API become the key of every web page that its user opens.",
    async run(context) {
      const open = [];
      for (const origin of ORIGINS) {
        const preflight = await sendPreflight(context, origin);
        const { headers } = expectResponse(preflight);
        if (headers["access-control-allow-credentials"] === "true" && isAllowed(preflight, origin)) open.push(origin);
      }
      const actual = `credentials of ${open.join(", ")}`;
      expectThat(open.length < ORIGINS.length, { observer: "wire", expected: "none of some origin", actual });
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.cors.private-network",
    level: "may",
    requirement: "A preflight that asks for the private network gets permission where its origin is allowed.",
    reference: "WICG Private Network Access, section 3.1; Chrome 104 to 141",
    breaks: "Chrome keeps pages of the web from a server on the same machine or in the same network.",
    async run(context) {
      const asked = { "access-control-request-private-network": "true" };
      const preflight = await sendPreflight(context, WEB_PAGE, asked);
      if (!isAllowed(preflight, WEB_PAGE))
        throw new Inconclusive("a page of the web is not allowed at all", OWNERS.preflight);
      const actual = String(expectResponse(preflight).headers["access-control-allow-private-network"]);
      expectThat(actual === "true", {
        observer: "wire",
        expected: "access-control-allow-private-network: true",
        actual,
      });
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.cors.refused-origin",
    level: "may",
    requirement:
      "The answer to a preflight of an origin that is not allowed grants no headers, credentials or private network either.",
    reference: "Fetch Standard, CORS-preflight fetch",
    breaks: "A scanner, or a person who reads the headers, takes the server for open.",
    async run(context) {
      for (const origin of ORIGINS) {
        const preflight = await sendPreflight(context, origin, { "access-control-request-private-network": "true" });
        const { headers } = expectResponse(preflight);
        const granted = ["headers", "private-network", "credentials"].filter(
          (name) => `access-control-allow-${name}` in headers,
        );
        const holds = isAllowed(preflight, origin) || granted.length === 0;
        const actual = `allow-${granted.join(" and allow-")} for ${origin}`;
        expectThat(holds, { observer: "wire", expected: "nothing allowed", actual });
      }
    },
  }),
];
