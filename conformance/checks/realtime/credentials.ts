/** Checks of who may open a session: the matrix of bad credentials and of the ways to send one, before the upgrade. */

import { type Check, defineCheck } from "../../src/check.ts";
import {
  type CheckContext,
  type Credential,
  defineShared,
  type RealtimeRequest,
  type SharedKey,
} from "../../src/check-context.ts";
import { expectErrorEnvelope, expectHeader, expectThat } from "../../src/expect.ts";
import { Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import type { RealtimeConnection } from "../../src/realtime-connection.ts";
import { bodyText } from "../../src/response-body.ts";
import { CREDENTIAL_PROBES, type CredentialProbe, TOKEN_PROBES, UNKNOWN_KEY } from "../support/credential-probes.ts";
import {
  describeConnection,
  expectOn,
  REALTIME,
  requireRealtime,
  TRANSCRIPTION_QUERY,
} from "../support/realtime-calls.ts";
import type { Owners } from "../../src/owners.ts";
import { OWNERS } from "../support/owners.ts";

const AUTH = { ...REALTIME, needs: ["key:full", "model:transcription"] } as const;
const KEY_PROTOCOL = "openai-insecure-api-key.";

/** A way in which a client sends its credential. */
interface Transport {
  readonly slug: "header" | "subprotocol" | "query";
  readonly what: string;
  /** Who judges that the target takes it; null where it need not. */
  readonly owners: Owners | null;
  readonly compose: (token: string) => RealtimeRequest;
  /** Whether it opens a session. */
  readonly offer: SharedKey<boolean>;
}

const HEADER: Transport = {
  slug: "header",
  what: "in the `Authorization` header",
  owners: OWNERS.liveByHeader,
  compose: (token) => ({ query: TRANSCRIPTION_QUERY, credential: { literal: token } }),
  offer: defineShared(),
};
const SUBPROTOCOL: Transport = {
  slug: "subprotocol",
  what: "in a subprotocol",
  owners: OWNERS.liveBySubprotocol,
  compose: (token) => ({
    query: TRANSCRIPTION_QUERY,
    credential: null,
    protocols: ["realtime", KEY_PROTOCOL + token],
  }),
  offer: defineShared(),
};
const QUERY: Transport = {
  slug: "query",
  what: "in the query",
  owners: null,
  compose: (token) => ({ query: `${TRANSCRIPTION_QUERY}&token=${encodeURIComponent(token)}`, credential: null }),
  offer: defineShared(),
};

/** Whether a session opens with the full key, sent this way; asked once in a run. @throws NotTestable */
async function isTaken(context: CheckContext, { compose, offer }: Transport): Promise<boolean> {
  await requireRealtime(context);
  return context.shared(offer, async () => {
    const connection = await open(context, compose(context.key("full")));
    const { opened } = connection;
    connection.terminate();
    return opened;
  });
}

/** @throws NotTestable for a key that no header can hold */
async function open(context: CheckContext, request: RealtimeRequest): Promise<RealtimeConnection> {
  try {
    return await context.realtime(request);
  } catch (error) {
    if (error instanceof SyntaxError) throw new NotTestable("the key has characters that no subprotocol may have");
    throw error;
  }
}

async function requireTaken(context: CheckContext, transport: Transport): Promise<void> {
  if (await isTaken(context, transport)) return;
  const { owners, what } = transport;
  if (owners !== null) throw new Inconclusive(`a credential ${what} opens no session`, owners);
  throw new NotTestable(`the target takes no credential ${transport.what}`);
}

/**
 * Refused with the status before the upgrade; or, as api.openai.com does with browsers, by an error and a closed
 * connection before a session begins. @throws Failure
 */
async function expectTurnedAway(context: CheckContext, connection: RealtimeConnection): Promise<void> {
  if (connection.exchange().response?.status === 101) {
    await connection.waitForClosure(context.patienceMs);
    const types = connection.events.map(({ value }) => value["type"]);
    const holds = connection.closure !== null && types.includes("error") && !types.includes("session.created");
    const expected = `status ${TURNED_AWAY.join(" or ")}, or an error and the end of the connection before any session`;
    return expectOn(connection, holds, { observer: "wire", expected, actual: describeConnection(connection) });
  }
  expectStatusOf(connection, TURNED_AWAY);
}

/** `ws`, `websockets` and browsers tell their callers the same for both; which one it is has a check of its own. */
const TURNED_AWAY = [401, 403] as const;

function expectStatusOf(connection: RealtimeConnection, accepted: readonly number[]): void {
  const holds = accepted.includes(connection.exchange().response?.status ?? 0);
  const expected = `status ${accepted.join(" or ")}`;
  expectOn(connection, holds, { observer: "wire", expected, actual: describeConnection(connection) });
}

async function sendProbe(context: CheckContext, transport: Transport, credential: Credential) {
  if (transport.slug === "header" || credential === null) {
    return open(context, { query: TRANSCRIPTION_QUERY, credential });
  }
  const token = typeof credential === "string" ? context.key(credential) : readLiteral(credential);
  return open(context, transport.compose(token));
}

function readLiteral(credential: Exclude<Credential, string | null>): string {
  if ("literal" in credential) return credential.literal;
  throw new Error("Only a header holds a scheme.");
}

/** What only a header can say. */
const HEADER_ONLY = ["missing", "malformed", "wrong-scheme"];

function defineMatrix(transport: Transport): readonly Check[] {
  const isHeader = transport.slug === "header";
  const probes = [...CREDENTIAL_PROBES, ...TOKEN_PROBES].filter(({ slug }) => isHeader || !HEADER_ONLY.includes(slug));
  return probes.map((probe: CredentialProbe) =>
    defineCheck({
      ...AUTH,
      id: `realtime.auth.${transport.slug}.${probe.slug}`,
      level: probe.level,
      requirement: `${probe.subject} opens no session: ${transport.what} it is refused with ${TURNED_AWAY.join(" or ")}.`,
      reference: "RFC 6455 section 4.2.2 (401 before the upgrade); RFC 9110 sections 15.5.2 and 15.5.4",
      breaks: probe.breaks,
      needs: [...AUTH.needs, ...probe.needs],
      async run(context) {
        await requireTaken(context, transport);
        const connection = await sendProbe(context, transport, probe.compose(context));
        await expectTurnedAway(context, connection);
      },
    }),
  );
}

/** @throws Inconclusive where strangers get in, which the matrix judges */
async function askAsStranger(context: CheckContext, request: RealtimeRequest) {
  await requireRealtime(context);
  const connection = await open(context, request);
  if (connection.opened) throw new Inconclusive("strangers get in, which other checks judge", OWNERS.liveAnyone);
  return connection.exchange();
}

export const realtimeCredentialChecks: readonly Check[] = [
  ...[HEADER, SUBPROTOCOL, QUERY].flatMap(defineMatrix),
  defineCheck({
    ...AUTH,
    id: "realtime.auth.subprotocol.accepted",
    requirement: "A key in the subprotocol `openai-insecure-api-key.` opens a session as one in the header does.",
    reference: "openai-node realtime/websocket.ts OpenAIRealtimeWebSocket",
    breaks: "Browsers can't send the header: no web page can log in.",
    async run(context) {
      await requireTaken(context, HEADER);
      const connection = await open(context, SUBPROTOCOL.compose(context.key("full")));
      const holds = connection.opened || connection.exchange().response?.status === 101;
      const actual = describeConnection(connection);
      expectOn(connection, holds, { observer: "wire", expected: "an open connection", actual });
    },
  }),
  defineCheck({
    ...AUTH,
    id: "realtime.auth.subprotocol.answer",
    requirement: "The subprotocol that is agreed on is `realtime`, never the one that holds the key.",
    reference: "RFC 6455 section 4.2.2; openai-node realtime/websocket.ts",
    breaks: "Chrome and undici close a connection without an answer to their offer; proxies log a key that is echoed.",
    async run(context) {
      await requireRealtime(context);
      const connection = await open(context, SUBPROTOCOL.compose(context.key("full")));
      if (connection.exchange().response?.status !== 101)
        throw new Inconclusive("a subprotocol opens no session", OWNERS.liveBySubprotocol);
      expectHeader(connection.exchange(), "sec-websocket-protocol", "realtime");
    },
  }),
  defineCheck({
    ...AUTH,
    id: "realtime.auth.refusal.envelope",
    level: "should",
    requirement:
      "An unknown key is refused before the upgrade, with 401, the official error body and `invalid_api_key`.",
    reference: "OpenAPI ErrorResponse; ws `unexpected-response`; OpenAI error codes",
    breaks: "Clients show `socket hang up` where they could ask for another key.",
    async run(context) {
      const exchange = await askAsStranger(context, HEADER.compose(UNKNOWN_KEY));
      if (exchange.response === null)
        throw new Inconclusive("there is no answer, which other checks judge", OWNERS.liveAnyone);
      expectErrorEnvelope(exchange, { status: exchange.response.status, code: "invalid_api_key" });
    },
  }),
  defineCheck({
    ...AUTH,
    id: "realtime.auth.refusal.unknown-key-status",
    level: "should",
    requirement: "An unknown key is refused before the upgrade with 401, as by every other operation.",
    reference: "RFC 9110 section 15.5.2; OpenAI error codes",
    breaks: "Proxies and logs tell a wrong key from a missing permission by the status.",
    async run(context) {
      await requireTaken(context, HEADER);
      const connection = await open(context, HEADER.compose(UNKNOWN_KEY));
      if (connection.opened) throw new Inconclusive("strangers get in, which other checks judge", OWNERS.liveAnyone);
      if (connection.exchange().response?.status === 101) return;
      expectStatusOf(connection, [401]);
    },
  }),
  defineCheck({
    ...AUTH,
    id: "realtime.auth.refusal.no-capability-status",
    level: "should",
    needs: [...AUTH.needs, "key:no_capability"],
    requirement: "A key that may open no session is refused before the upgrade with 403.",
    reference: "RFC 9110 section 15.5.4; OpenAI error codes",
    breaks: "Who has a good key is asked for another one.",
    async run(context) {
      await requireTaken(context, HEADER);
      const connection = await open(context, { query: TRANSCRIPTION_QUERY, credential: "no_capability" });
      if (connection.opened)
        throw new Inconclusive("such a key opens a session, which other checks judge", OWNERS.liveForbidden);
      if (connection.exchange().response?.status === 101) return;
      expectStatusOf(connection, [403]);
    },
  }),
  defineCheck({
    ...AUTH,
    id: "realtime.auth.refusal.key-not-echoed",
    requirement: "A refusal repeats the key neither of the subprotocol nor of the query.",
    reference: "OWASP API3:2023; CWE-532",
    breaks: "Keys end in the logs of every client and proxy that logs errors.",
    async run(context) {
      for (const { compose } of [HEADER, SUBPROTOCOL, QUERY]) {
        const exchange = await askAsStranger(context, compose(UNKNOWN_KEY));
        const text = `${bodyText(exchange)} ${JSON.stringify(exchange.response?.headers)}`;
        const holds = !text.includes(UNKNOWN_KEY);
        expectThat(holds, { observer: "wire", expected: "no key in the answer", actual: "the whole key" });
      }
    },
  }),
  defineCheck({
    ...AUTH,
    id: "realtime.auth.before-parameters",
    level: "should",
    requirement:
      "The credential is judged before the query: a stranger's is refused as one, whatever is wrong with it.",
    reference: "RFC 9110 section 15.5.2; OWASP API2:2023",
    breaks: "Strangers find out which models exist and which requests are valid.",
    async run(context) {
      await askAsStranger(context, { query: TRANSCRIPTION_QUERY, credential: null });
      const connection = await open(context, { query: "?intent=conformance", credential: null });
      await expectTurnedAway(context, connection);
    },
  }),
];
