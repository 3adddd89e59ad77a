/** Checks of the request that opens a realtime session: what is upgraded, to what, and what is refused before that. */

import { type Check, defineCheck, type Need } from "../../src/check.ts";
import type { CheckContext, RealtimeRequest } from "../../src/check-context.ts";
import { expectErrorEnvelope, expectHeader, expectStatus } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import {
  describeConnection,
  expectOn,
  modelQuery,
  openSession,
  REALTIME,
  requireRealtime,
  TRANSCRIPTION_QUERY,
} from "../support/realtime-calls.ts";
import { OWNERS } from "../support/owners.ts";

const SDK_REFERENCE = "openai-node realtime/ws.ts OpenAIRealtimeWS; realtime/internal-base.ts buildRealtimeURL";
const HANDSHAKE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

interface Kind {
  readonly slug: string;
  readonly what: string;
  readonly query: (context: CheckContext) => string;
  readonly needs?: readonly Need[];
  readonly breaks: string;
}

const KINDS: readonly Kind[] = [
  {
    slug: "intent",
    what: "a transcription session (`?intent=transcription`)",
    query: () => TRANSCRIPTION_QUERY,
    needs: ["sdk:realtime-intent"],
    breaks: "`OpenAIRealtimeWS` with `intent` can't connect; live captions and dictation don't start.",
  },
  {
    slug: "model",
    what: "a session of a model (`?model=`)",
    query: modelQuery,
    breaks: "Clients older than `intent`, and those that transcribe in a voice session, can't connect.",
  },
];

function defineOpened({ slug, what, query, needs = [], breaks }: Kind): Check {
  return defineCheck({
    ...REALTIME,
    id: `realtime.upgrade.${slug}`,
    needs: [...REALTIME.needs, ...needs],
    requirement: `The official SDK opens ${what}.`,
    reference: SDK_REFERENCE,
    breaks,
    async run(context) {
      await requireRealtime(context);
      const connection = await context.realtime({ query: query(context), throughSdk: true });
      const actual = describeConnection(connection);
      expectOn(connection, connection.opened, { observer: "sdk", expected: "an open connection", actual });
    },
  });
}

interface Refused {
  readonly slug: string;
  readonly what: string;
  readonly request: (context: CheckContext) => RealtimeRequest;
  readonly breaks: string;
}

const REFUSED: readonly Refused[] = [
  {
    slug: "intent-with-model",
    what: "An intent and a model together",
    request: (context) => ({ query: `${TRANSCRIPTION_QUERY}&${modelQuery(context).slice(1)}` }),
    breaks: "A client believes that the model of its query transcribes, and another one does.",
  },
  {
    slug: "neither",
    what: "A request with neither a model nor an intent",
    request: () => ({ query: "" }),
    breaks: "A client gets a session of a kind that it did not ask for, and waits for events that never come.",
  },
  {
    slug: "unknown-intent",
    what: "An intent that does not exist",
    request: () => ({ query: "?intent=conformance" }),
    breaks: "A misspelt intent opens a session of another kind.",
  },
];

/** Before the upgrade, or by an error before anything else. @throws Failure, Inconclusive */
async function expectRefused(context: CheckContext, request: RealtimeRequest): Promise<void> {
  await requireRealtime(context);
  const connection = await context.realtime(request);
  const exchange = connection.exchange();
  if (exchange.response?.status !== 101) {
    expectErrorEnvelope(exchange, { status: [400, 403, 404, 422] });
    return;
  }
  await connection.until(() => connection.events.length > 0, context.patienceMs);
  const holds = connection.events[0]?.value["type"] === "error";
  const expected = "status 400, or an error as the first event";
  expectOn(connection, holds, { observer: "wire", expected, actual: describeConnection(connection) });
}

export const upgradeChecks: readonly Check[] = [
  ...KINDS.map(defineOpened),
  defineCheck({
    ...REALTIME,
    id: "realtime.upgrade.no-subprotocol",
    requirement: "A client that offers no subprotocol is answered with none.",
    reference: "RFC 6455 section 4.2.2 (the value is one that the client offered); ws lib/websocket.js",
    breaks: "`OpenAIRealtimeWS` offers none, and fails with `Server sent a subprotocol but none was requested`.",
    async run(context) {
      await requireRealtime(context);
      const connection = await context.realtime({ query: TRANSCRIPTION_QUERY });
      if (connection.exchange().response?.status !== 101) {
        throw new Inconclusive(`this needs an upgrade: ${describeConnection(connection)}`, OWNERS.liveOpen);
      }
      expectHeader(connection.exchange(), "sec-websocket-protocol", null);
    },
  }),
  defineCheck({
    ...REALTIME,
    id: "realtime.upgrade.no-compression",
    requirement: "A client that offers no extension gets no compressed frames.",
    reference: "RFC 6455 section 9.1; openai-node realtime/ws.ts (`perMessageDeflate: false`)",
    breaks:
      "`OpenAIRealtimeWS` fails with `Server sent a Sec-WebSocket-Extensions header but no extension was requested`.",
    async run(context) {
      await requireRealtime(context);
      const connection = await context.realtime({ query: TRANSCRIPTION_QUERY });
      if (connection.exchange().response?.status !== 101) {
        throw new Inconclusive(`this needs an upgrade: ${describeConnection(connection)}`, OWNERS.liveOpen);
      }
      expectHeader(connection.exchange(), "sec-websocket-extensions", null);
    },
  }),
  defineCheck({
    ...REALTIME,
    id: "realtime.upgrade.other-parameters",
    level: "should",
    requirement: "Parameters of the query that the endpoint does not know change nothing.",
    reference: "Azure clients send `api-version`; proxies add their own",
    breaks: "Clients behind gateways that add a parameter can't connect.",
    async run(context) {
      await openSession(context);
      const connection = await context.realtime({ query: `${TRANSCRIPTION_QUERY}&api-version=2025-08-28` });
      const actual = describeConnection(connection);
      expectOn(connection, connection.opened, { observer: "wire", expected: "an open connection", actual });
    },
  }),
  ...REFUSED.map(({ slug, what, request, breaks }) =>
    defineCheck({
      ...REALTIME,
      id: `realtime.upgrade.${slug}`,
      level: "should",
      requirement: `${what} is refused with 400, or by an error before any other event.`,
      reference: "openai-node realtime/internal-base.ts: exactly one of model, call and intent",
      breaks,
      run: (context) => expectRefused(context, request(context)),
    }),
  ),
  defineCheck({
    ...REALTIME,
    id: "realtime.upgrade.plain-get",
    level: "should",
    requirement:
      "`GET /realtime` that asks for no upgrade is refused with 400, 404, 405 or 426 and the official error body.",
    reference: "RFC 9110 section 15.5.22; OpenAPI ErrorResponse",
    breaks: "Who forgets the WebSocket, or whose proxy drops it, waits for an answer or reads a web page.",
    async run(context) {
      await requireRealtime(context);
      const path = `/realtime${TRANSCRIPTION_QUERY}`;
      const exchange = await context.wire({ method: "GET", path, disconnectAfterMs: context.patienceMs });
      expectErrorEnvelope(exchange, { status: [400, 404, 405, 426] });
    },
  }),
  defineCheck({
    ...REALTIME,
    id: "realtime.upgrade.version",
    level: "should",
    requirement: "Another version of the WebSocket protocol than 13 is refused with 400 or 426.",
    reference: "RFC 6455 section 4.4",
    breaks: "A client of another version takes frames for something else.",
    async run(context) {
      await requireRealtime(context);
      const headers = { ...HANDSHAKE, "sec-websocket-version": "12" };
      const path = `/realtime${TRANSCRIPTION_QUERY}`;
      const request = { method: "GET", path, headers, disconnectAfterMs: context.patienceMs };
      expectStatus(await context.wire(request), [400, 426]);
    },
  }),
  defineCheck({
    ...REALTIME,
    id: "realtime.upgrade.no-key",
    level: "should",
    requirement: "An upgrade without `Sec-WebSocket-Key` is refused with 400 or 426.",
    reference: "RFC 6455 section 4.2.1",
    breaks: "A page can make a browser's plain request look like a session (cross-protocol attacks).",
    async run(context) {
      await requireRealtime(context);
      const headers = { ...HANDSHAKE, "sec-websocket-key": null };
      const path = `/realtime${TRANSCRIPTION_QUERY}`;
      const request = { method: "GET", path, headers, disconnectAfterMs: context.patienceMs };
      expectStatus(await context.wire(request), [400, 426]);
    },
  }),
];
