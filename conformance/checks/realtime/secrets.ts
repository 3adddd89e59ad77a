/** Checks of client secrets: short-lived credentials that open a session in a browser, and nothing else. */

import { type HttpOperationId, realtimeCreateClientSecretResponseSchema } from "@openai-compat/spec";
import type OpenAI from "openai";
import type { ClientSecretCreateParams } from "openai/resources/realtime/client-secrets";
import { setTimeout as sleep } from "node:timers/promises";
import { type Check, defineCheck } from "../../src/check.ts";
import { type CheckContext, defineShared, type SdkOutcome } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectErrorEnvelope, expectSdkValue, isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Failure, Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import type { RealtimeConnection } from "../../src/realtime-connection.ts";
import { describeExchange } from "../../src/response-body.ts";
import { composeSdkChat } from "../support/chat-calls.ts";
import { UNKNOWN_KEY } from "../support/credential-probes.ts";
import { expectRefused, requireRefusal } from "../support/envelope.ts";
import { OPERATION_PROBES } from "../support/operation-probes.ts";
import {
  describeConnection,
  expectOn,
  openSession,
  REALTIME,
  requireRealtime,
  TRANSCRIPTION_QUERY,
} from "../support/realtime-calls.ts";
import { expectRestOfShape } from "../support/shape.ts";
import { OWNERS, statusOwners } from "../support/owners.ts";

const SECRETS = {
  ...REALTIME,
  operation: "create-realtime-client-secret",
  needs: ["key:full", "model:transcription"],
  reference: "OpenAPI create-realtime-client-secret; openai-node resources/realtime/client-secrets.ts",
} as const;

/** The shortest that is documented; a check waits for its end. */
const SHORTEST_SECONDS = 10;
const DEFAULT_SECONDS = 600;
/** Between the clocks of server and client, and for the way. */
const CLOCK_SECONDS = 20;
const AFTER_END_MS = 1200;
const ABSENT: readonly number[] = [404, 405, 501];

type Created = OpenAI.Realtime.ClientSecretCreateResponse;
type Params = ClientSecretCreateParams;

function composeSession(context: CheckContext, input: JsonObject = {}): NonNullable<Params["session"]> {
  const transcription = { model: String(context.models.transcription), language: "en" };
  return { type: "transcription", audio: { input: { transcription, ...input } } };
}

/** @throws NotTestable when the target has no client secrets, or no realtime */
async function create(context: CheckContext, params: Params): Promise<SdkOutcome<Created>> {
  await requireRealtime(context);
  const outcome = await context.sdk((client) => client.realtime.clientSecrets.create(params), { isRefusable: true });
  const status = outcome.exchange.response?.status ?? 0;
  if (ABSENT.includes(status)) throw new NotTestable(`the target has no client secrets: status ${status}`);
  return outcome;
}

interface Secret {
  readonly value: string;
  readonly exchange: Exchange;
  readonly session: JsonObject;
  /** Seconds from now on by the server's clock. */
  readonly lifetime: number;
}

function serverSeconds({ response }: Exchange): number {
  const date = Date.parse(response?.headers["date"] ?? "");
  return (Number.isNaN(date) ? Date.now() : date) / 1000;
}

function readSecret({ value: created, exchange }: SdkOutcome<Created>): Secret {
  const { value, expires_at: expiresAt, session }: Partial<Created> = created ?? {};
  if (typeof value !== "string" || value === "" || typeof expiresAt !== "number") {
    throw new Inconclusive(
      `this needs a client secret, which another check judges: ${describeExchange(exchange)}`,
      OWNERS.secretShape,
    );
  }
  const lifetime = expiresAt - serverSeconds(exchange);
  return { value, exchange, lifetime, session: isJsonObject(session) ? session : {} };
}

async function requireSecret(context: CheckContext, params: Partial<Params> = {}): Promise<Secret> {
  return readSecret(await create(context, { session: composeSession(context), ...params }));
}

/** Made by the first check of the area, so that the last one need not wait for its end. */
const SHORT_LIVED = defineShared<Secret & { readonly madeAtMs: number }>();

async function requireShortLived(context: CheckContext): Promise<Secret & { readonly madeAtMs: number }> {
  return context.shared(SHORT_LIVED, async () => {
    const params = { expires_after: { anchor: "created_at", seconds: SHORTEST_SECONDS } } as const;
    return { ...(await requireSecret(context, params)), madeAtMs: performance.now() };
  });
}

/** What a subprotocol may hold: a token of RFC 9110, section 5.6.2. */
const SUBPROTOCOL = /^[\w!#$%&'*+.^`|~-]+$/;

/** As a browser does. @throws Inconclusive for a secret that none can send */
async function openWith(context: CheckContext, secret: string): Promise<RealtimeConnection> {
  if (!SUBPROTOCOL.test(secret)) {
    throw new Inconclusive(
      "the secret has characters that no subprotocol may have, which realtime.secret.opens judges",
      OWNERS.secretOpens,
    );
  }
  const protocols = ["realtime", `openai-insecure-api-key.${secret}`];
  return context.realtime({ query: TRANSCRIPTION_QUERY, credential: null, protocols });
}

/** That sessions open at all, and with a key as a subprotocol; other checks judge both. @throws Inconclusive */
async function requireOpening(context: CheckContext): Promise<void> {
  await openSession(context);
  const key = context.key("full");
  if (!SUBPROTOCOL.test(key)) return;
  const connection = await openWith(context, key);
  if (!connection.opened)
    throw new Inconclusive(`a subprotocol opens no session: ${describeConnection(connection)}`, OWNERS.secretOpens);
}

/** @throws Failure unless no session begins */
function expectTurnedAway(connection: RealtimeConnection): void {
  const status = connection.exchange().response?.status;
  const begins = connection.events.some(({ value }) => value["type"] === "session.created");
  const holds = status === 401 || status === 403 || (status === 101 && !begins && connection.closure !== null);
  const actual = describeConnection(connection);
  expectOn(connection, holds, { observer: "wire", expected: "status 401 or 403", actual });
}

const lifetimes = [60, 7200].map((seconds) => ({ seconds, params: { anchor: "created_at", seconds } as const }));

interface Refused {
  readonly slug: string;
  readonly what: string;
  readonly body: (context: CheckContext) => JsonObject;
  readonly breaks: string;
}

const after = (seconds: unknown, anchor: unknown = "created_at"): JsonObject => ({
  expires_after: { anchor, seconds },
});

const REFUSED: readonly Refused[] = [
  {
    slug: "too-short",
    what: "A lifetime of less than 10 seconds",
    body: () => after(9),
    breaks: "A secret is over before the page that it was made for has loaded.",
  },
  {
    slug: "too-long",
    what: "A lifetime of more than two hours",
    body: () => after(7201),
    breaks: "A secret that leaks from a page works for as long as its finder likes.",
  },
  {
    slug: "lifetime-text",
    what: "A lifetime that is no number",
    body: () => after("soon"),
    breaks: "A defect of the client shows only when its secrets are over too early.",
  },
  {
    slug: "invalid-session",
    what: "A session that can't be",
    body: () => ({ session: { type: "transcription", audio: { input: { format: { type: "audio/conformance" } } } } }),
    breaks: "The mistake of the backend shows only in the browser of its users.",
  },
];

const refusedChecks = REFUSED.map(({ slug, what, body, breaks }) =>
  defineCheck({
    ...SECRETS,
    id: `realtime.secret.refuses-${slug}`,
    level: "should",
    requirement: `${what} is refused with 400.`,
    breaks,
    async run(context) {
      await requireSecret(context);
      const sent = JSON.stringify({ session: composeSession(context), ...body(context) });
      const exchange = await context.wire({ method: "POST", path: "/realtime/client_secrets", body: sent });
      expectErrorEnvelope(exchange, { status: 400 });
    },
  }),
);

/** An operation in a mode that a secret is tried on. */
interface OtherUse {
  readonly operation: HttpOperationId;
  readonly call: (client: OpenAI, context: CheckContext) => Promise<unknown>;
}

const OTHER_USES: readonly OtherUse[] = OPERATION_PROBES.flatMap(({ operation, call, stream }) => [
  { operation, call },
  ...(stream === undefined ? [] : [{ operation, call: stream }]),
]);

/** In which ways a refusal may be said. */
const TURNED_AWAY = [
  {
    slug: "secret-alone",
    level: "must",
    statuses: "a 4xx",
    isRefusal: (status: number) => status >= 400 && status < 500,
  },
  {
    slug: "secret-alone-status",
    level: "should",
    statuses: "401 or 403",
    isRefusal: (status: number) => [401, 403].includes(status),
  },
] as const;

const secretsAloneChecks = TURNED_AWAY.map(({ slug, level, statuses, isRefusal }) =>
  defineCheck({
    ...SECRETS,
    id: `realtime.invariants.${slug}`,
    level,
    needs: [...SECRETS.needs, "model:chat"],
    requirement: `A client secret is for realtime alone: every other operation refuses it with ${statuses}, streams too.`,
    reference: "OpenAPI create-realtime-client-secret: access to the Realtime API; OWASP API5:2023",
    breaks: "Who reads the source of a page uses its operator's account for all else.",
    async run(context) {
      const { value } = await requireSecret(context);
      for (const { operation, call } of OTHER_USES) {
        const ask = (literal: string) =>
          context.sdk((client) => call(client, context), { credential: { literal }, isRefusable: true });
        // Other checks own who else gets in, and a server need not have every operation.
        if ((await ask(UNKNOWN_KEY)).exchange.response?.status !== 401) continue;
        const { exchange } = await ask(value);
        const actual = `${operation}: ${describeExchange(exchange)}`;
        const holds = isRefusal(exchange.response?.status ?? 0);
        if (!holds) throw new Failure({ observer: "wire", expected: `status ${statuses}`, actual, exchange });
      }
    },
  }),
);

export const realtimeSecretChecks: readonly Check[] = [
  defineCheck({
    ...SECRETS,
    id: "realtime.secret.shape",
    requirement: "A client secret has a value, the time of its end and the session that it opens.",
    breaks: "Backends that hand it on to a browser hand on nothing.",
    async run(context) {
      const created = expectSdkValue(await create(context, { session: composeSession(context) }));
      expectRestOfShape(created, realtimeCreateClientSecretResponseSchema, /^$/);
    },
  }),
  defineCheck({
    ...SECRETS,
    id: "realtime.secret.prefix",
    requirement: "The value of a client secret begins with `ek_`.",
    reference: "openai-node realtime/websocket.ts: browsers are allowed for keys that begin with ek_",
    breaks: "`OpenAIRealtimeWebSocket` refuses to run in a browser with any other key.",
    async run(context) {
      const { value, exchange } = await requireSecret(context);
      if (value.startsWith("ek_")) return;
      throw new Failure({ observer: "sdk", expected: "ek_…", actual: `${value.slice(0, 3)}…`, exchange });
    },
  }),
  defineCheck({
    ...SECRETS,
    id: "realtime.secret.lifetime",
    level: "should",
    requirement: "A client secret ends when it was asked to, and after ten minutes where nothing was said.",
    reference: "OpenAPI create-realtime-client-secret expires_after.seconds: 10 to 7200, default 600",
    breaks: "Secrets end in the middle of a page's load, or live on in its logs.",
    async run(context) {
      await requireShortLived(context);
      const asked = [{ seconds: DEFAULT_SECONDS, params: undefined }, ...lifetimes];
      for (const { seconds, params } of asked) {
        const secret = await requireSecret(context, params === undefined ? {} : { expires_after: params });
        const { lifetime, exchange } = secret;
        if (Math.abs(lifetime - seconds) <= CLOCK_SECONDS) continue;
        const actual = `${Math.round(lifetime)} s`;
        throw new Failure({ observer: "wire", expected: `${seconds} s`, actual, exchange });
      }
    },
  }),
  defineCheck({
    ...SECRETS,
    id: "realtime.secret.echo",
    level: "should",
    requirement: "The answer has the session that was asked for: its type, model and language.",
    breaks: "Backends can't see that an option was passed over.",
    async run(context) {
      const { session, exchange } = await requireSecret(context);
      const text = JSON.stringify(session);
      const wanted = [`"type":"transcription"`, `"language":"en"`, JSON.stringify(context.models.transcription)];
      if (wanted.every((part) => text.includes(part))) return;
      throw new Failure({ observer: "wire", expected: wanted.join(", "), actual: text, exchange });
    },
  }),
  ...refusedChecks,
  defineCheck({
    ...SECRETS,
    id: "realtime.secret.opens",
    requirement: "A client secret opens a session, as a subprotocol and in the header.",
    reference: "openai-node realtime/websocket.ts; OpenAPI create-realtime-client-secret",
    breaks: "No page can transcribe without the key of its operator.",
    async run(context) {
      const { value, exchange } = await requireSecret(context);
      if (!SUBPROTOCOL.test(value)) {
        const expected = "a secret of characters that a subprotocol may have";
        throw new Failure({ observer: "wire", expected, actual: JSON.stringify(value), exchange });
      }
      await requireOpening(context);
      const inHeader = { query: TRANSCRIPTION_QUERY, credential: { literal: value } };
      for (const connection of [await openWith(context, value), await context.realtime(inHeader)]) {
        const created = await connection.waitFor("session.created", { withinMs: context.patienceMs });
        const actual = describeConnection(connection);
        expectOn(connection, created !== null, { observer: "wire", expected: "session.created", actual });
      }
    },
  }),
  defineCheck({
    ...SECRETS,
    id: "realtime.secret.configures",
    level: "should",
    requirement: "The session that a client secret opens is configured as the secret's.",
    reference: "OpenAPI create-realtime-client-secret.session",
    breaks: "What the backend decided, such as the language, is lost in the browser.",
    async run(context) {
      const session = composeSession(context, { turn_detection: null });
      const { value } = await requireSecret(context, { session });
      const connection = await openWith(context, value);
      const created = await connection.waitFor("session.created", { withinMs: context.patienceMs });
      if (created === null)
        throw new Inconclusive("the secret opens no session, which another check judges", OWNERS.secretOpens);
      const text = JSON.stringify(created);
      const holds = text.includes('"language":"en"') && text.includes('"turn_detection":null');
      expectOn(connection, holds, {
        observer: "wire",
        expected: "the language en and no turn detection",
        actual: text,
      });
    },
  }),
  defineCheck({
    ...SECRETS,
    id: "realtime.secret.not-for-chat",
    needs: [...SECRETS.needs, "model:chat"],
    requirement: "A client secret is for realtime alone: a chat with it is refused with a 4xx.",
    reference: "OpenAPI create-realtime-client-secret: access to the Realtime API; OWASP API5:2023",
    breaks: "Who reads the source of a page uses its operator's account for all else.",
    async run(context) {
      const { value } = await requireSecret(context);
      const ask = (literal: string) =>
        context.sdk((client) => client.chat.completions.create(composeSdkChat(context)), { credential: { literal } });
      const { exchange: refused } = await ask(UNKNOWN_KEY);
      requireRefusal(refused, statusOwners(refused, 401));
      expectRefused((await ask(value)).exchange);
    },
  }),
  defineCheck({
    ...SECRETS,
    id: "realtime.secret.not-for-secrets",
    requirement: "A client secret makes no other client secret: that is refused with a 4xx.",
    reference: "OWASP API5:2023",
    breaks: "A secret that has leaked once is renewed for ever.",
    async run(context) {
      const { value } = await requireSecret(context);
      const params = { session: composeSession(context) };
      const credential = { literal: value };
      const outcome = await context.sdk((client) => client.realtime.clientSecrets.create(params), { credential });
      expectRefused(outcome.exchange);
    },
  }),
  defineCheck({
    ...SECRETS,
    id: "realtime.secret.tampered",
    requirement: "A client secret of which one character differs opens nothing.",
    reference: "RFC 9110 section 15.5.2",
    breaks: "Secrets can be guessed from others.",
    async run(context) {
      const { value } = await requireSecret(context);
      const middle = Math.floor(value.length / 2);
      const other = value[middle] === "A" ? "B" : "A";
      expectTurnedAway(await openWith(context, value.slice(0, middle) + other + value.slice(middle + 1)));
    },
  }),
  ...secretsAloneChecks,
];

/** Stands last of all checks, so that others run while its secret ends. */
export const secretExpiryCheck: Check = defineCheck({
  ...SECRETS,
  id: "realtime.secret.expires",
  requirement: "A client secret that has expired opens no session: 401 or 403.",
  reference: "OpenAPI create-realtime-client-secret.expires_after",
  breaks: "A secret that was found in a page's log works for ever.",
  async run(context) {
    const { value, lifetime, madeAtMs } = await requireShortLived(context);
    const leftMs = madeAtMs + lifetime * 1000 + AFTER_END_MS - performance.now();
    if (leftMs > context.patienceMs)
      throw new Inconclusive(`the secret lives for ${Math.round(lifetime)} s`, "fixture");
    if (leftMs > 0) await sleep(leftMs, undefined, { signal: context.signal });
    expectTurnedAway(await openWith(context, value));
  },
});
