/** Checks of the frames below the messages: what RFC 6455 demands, and what no client sends. */

import { setTimeout as sleep } from "node:timers/promises";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import type { RealtimeConnection } from "../../src/realtime-connection.ts";
import { PCM } from "../support/realtime-audio.ts";
import { requireTranscribed } from "../support/realtime-records.ts";
import {
  awaitEnds,
  COMPLETED,
  composeUpdate,
  describeConnection,
  expectOn,
  isAlive,
  openConfigured,
  openSession,
  REALTIME,
  requireConfigurable,
  sendAudio,
  sendCommit,
  TRANSCRIPTION_QUERY,
} from "../support/realtime-calls.ts";
import { OWNERS } from "../support/owners.ts";

const FRAMES = { ...REALTIME, reference: "RFC 6455 section 5" } as const;

function text(bytes: Uint8Array, mask: readonly number[] | null, first = 0x81): Buffer {
  const head = [first, (mask === null ? 0 : 0x80) | bytes.length, ...(mask ?? [])];
  return Buffer.concat([Buffer.from(head), bytes.map((byte, index) => byte ^ (mask?.[index % 4] ?? 0))]);
}

const CLEAR = Buffer.from('{"type":"input_audio_buffer.clear"}');
const MASK = [1, 2, 3, 4];
/** More than any documented message: a frame that claims to be so long. */
const CLAIMED_BYTES = 1024 * 1024 * 1024;

function hugeHead(): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(CLAIMED_BYTES));
  return Buffer.concat([Buffer.from([0x81, 0xff]), length, Buffer.from(MASK), Buffer.alloc(1024, 0x20)]);
}

interface BrokenFrame {
  readonly slug: string;
  readonly what: string;
  readonly bytes: Buffer;
  readonly codes: readonly number[];
  readonly reference: string;
  readonly breaks: string;
}

/** 1006: the connection broke without a close frame, which section 7.1.7 allows. */
const BROKEN: readonly BrokenFrame[] = [
  {
    slug: "unmasked",
    what: "A frame without a mask",
    bytes: text(CLEAR, null),
    codes: [1002, 1006],
    reference: "RFC 6455 section 5.1 (the server closes the connection)",
    breaks: "Pages can make proxies cache what they like (section 10.3).",
  },
  {
    slug: "reserved-bits",
    what: "A frame with reserved bits",
    bytes: text(CLEAR, MASK, 0xc1),
    codes: [1002, 1006],
    reference: "RFC 6455 section 5.2",
    breaks: "A compressed message is read as plain text.",
  },
  {
    slug: "unknown-opcode",
    what: "A frame with an opcode that does not exist",
    bytes: text(CLEAR, MASK, 0x83),
    codes: [1002, 1006],
    reference: "RFC 6455 section 5.2",
    breaks: "A message of another kind is taken for a text.",
  },
  {
    slug: "lost-fragment",
    what: "A continuation of nothing",
    bytes: text(CLEAR, MASK, 0x80),
    codes: [1002, 1006],
    reference: "RFC 6455 section 5.4",
    breaks: "Half a message is taken for a whole one.",
  },
  {
    slug: "invalid-utf8",
    what: "A text that is no UTF-8",
    bytes: text(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), MASK),
    codes: [1007, 1002, 1006],
    reference: "RFC 6455 section 8.1",
    breaks: "Damaged texts are taken for good ones.",
  },
  {
    slug: "too-large",
    what: "A message of a gigabyte",
    bytes: hugeHead(),
    codes: [1009, 1008, 1006],
    reference: "RFC 6455 section 7.4.1 (1009)",
    breaks: "A client makes the server keep as much memory as it likes.",
  },
];

const brokenChecks = BROKEN.map(({ slug, what, bytes, codes, reference, breaks }) =>
  defineCheck({
    ...FRAMES,
    id: `realtime.frame.${slug}`,
    level: "should",
    requirement: `${what} ends the connection, with the code ${codes[0]}.`,
    reference,
    breaks,
    async run(context) {
      const connection = await openSession(context);
      connection.sendRaw(bytes);
      const closure = await connection.waitForClosure(context.patienceMs);
      const actual = describeConnection(connection);
      const holds = closure !== null && codes.includes(closure.code);
      expectOn(connection, holds, { observer: "wire", expected: `a close with ${codes.join(" or ")}`, actual });
    },
  }),
);

/** Whether the session was updated by what was sent. */
async function expectUpdated(context: CheckContext, connection: RealtimeConnection): Promise<void> {
  const updated = await connection.waitFor("session.updated", { withinMs: context.patienceMs });
  const actual = describeConnection(connection);
  expectOn(connection, updated !== null, { observer: "wire", expected: "session.updated", actual });
}

function thirds(message: string): readonly Buffer[] {
  const bytes = Buffer.from(message);
  const cut = Math.floor(bytes.length / 3);
  return [bytes.subarray(0, cut), bytes.subarray(cut, 2 * cut), bytes.subarray(2 * cut)];
}

/** A whole turn in a session of its own, as before: the server works for others. @throws Failure */
async function expectTurn(context: CheckContext): Promise<void> {
  const connection = await context.realtime({ query: TRANSCRIPTION_QUERY });
  await connection.waitFor("session.created", { withinMs: context.patienceMs });
  connection.send(composeUpdate(context));
  sendAudio(connection, PCM.spoken);
  sendCommit(connection);
  if (connection.events.length > 0) await awaitEnds(connection, 1, context.patienceMs);
  const holds = connection.events.some(({ value }) => value["type"] === COMPLETED);
  const actual = describeConnection(connection);
  expectOn(connection, holds, { observer: "wire", expected: "a transcription in the next session", actual });
}

/** The head of a frame of a hundred bytes, and none of them. */
const HALF_FRAME = Buffer.from([0x81, 0x80 | 100, ...MASK]);
/** So long the server has to read it, and to notice that nobody is there. */
const HALF_FRAME_MS = 50;
const ABUSE_MESSAGES = 300;

export const realtimeFrameChecks: readonly Check[] = [
  ...brokenChecks,
  defineCheck({
    ...FRAMES,
    id: "realtime.frame.binary",
    level: "should",
    requirement: "A binary message is answered with an `error`, or ends the connection with 1003.",
    reference: "RFC 6455 section 7.4.1 (1003); OpenAPI RealtimeClientEvent is JSON",
    breaks: "A client that sends its audio as bytes, as other services want it, hears nothing of its mistake.",
    async run(context) {
      const connection = await openSession(context);
      const from = connection.events.length;
      connection.sendBinary(PCM.spoken.subarray(0, 4800));
      const hasError = (): boolean => connection.events.slice(from).some(({ value }) => value["type"] === "error");
      await connection.until(() => hasError() || connection.closure !== null, context.patienceMs);
      const holds = hasError() || [1003, 1002, 1007].includes(connection.closure?.code ?? 0);
      const actual = describeConnection(connection);
      expectOn(connection, holds, { observer: "wire", expected: "an error, or a close with 1003", actual });
    },
  }),
  defineCheck({
    ...FRAMES,
    id: "realtime.frame.fragments",
    requirement: "A message in several frames is one message.",
    reference: "RFC 6455 section 5.4",
    breaks: "Clients and proxies that cut long messages, as audio is, get errors for each part.",
    async run(context) {
      await requireConfigurable(context);
      const connection = await openSession(context);
      connection.sendFragments(thirds(JSON.stringify(composeUpdate(context))));
      await expectUpdated(context, connection);
    },
  }),
  defineCheck({
    ...FRAMES,
    id: "realtime.frame.ping-between",
    requirement: "A ping between the frames of a message is answered, and the message stays whole.",
    reference: "RFC 6455 section 5.4 (control frames may be injected in the middle)",
    breaks: "A keep-alive at the wrong moment spoils what is being sent.",
    async run(context) {
      await requireConfigurable(context);
      const connection = await openSession(context);
      connection.sendFragments(thirds(JSON.stringify(composeUpdate(context))), () => connection.ping("between"));
      await expectUpdated(context, connection);
      const pongs = (): number =>
        connection.messages.filter(({ from, type }) => from === "server" && type === "pong").length;
      await connection.until(() => pongs() >= 1, context.patienceMs);
      const actual = `${pongs()} pongs`;
      expectOn(connection, pongs() >= 1, { observer: "wire", expected: "a pong", actual });
    },
  }),
  defineCheck({
    ...FRAMES,
    id: "realtime.frame.pong",
    requirement: "A ping is answered with a pong of the same data.",
    reference: "RFC 6455 section 5.5.3",
    breaks: "Clients and proxies that look whether the server is there close the connection.",
    async run(context) {
      const connection = await openSession(context);
      connection.ping("conformance");
      const pong = () => connection.messages.find(({ from, type }) => from === "server" && type === "pong");
      await connection.until(() => pong() !== undefined, context.patienceMs);
      const actual = pong()?.data ?? describeConnection(connection);
      expectOn(connection, actual === "conformance", { observer: "wire", expected: "conformance", actual });
    },
  }),
  defineCheck({
    ...FRAMES,
    id: "realtime.abuse.flood",
    requirement: `Each of ${ABUSE_MESSAGES} messages that is no JSON is answered or ends the connection, and the next session works.`,
    reference: "RFC 6455 section 10; OWASP API4:2023",
    breaks: "One client takes the server from all others.",
    async run(context) {
      await requireTranscribed(context);
      const connection = await openSession(context);
      for (let count = 0; count < ABUSE_MESSAGES; count += 1) connection.send(`{"count":${count}`);
      const alive = await isAlive(context, connection);
      const holds = alive || connection.closure !== null;
      const actual = describeConnection(connection);
      expectOn(connection, holds, { observer: "wire", expected: "an answer, or the end of the connection", actual });
      await expectTurn(context);
    },
  }),
  defineCheck({
    ...FRAMES,
    id: "realtime.abuse.disconnect",
    requirement: "A client that vanishes in the middle of a turn takes nothing with it: the next session works.",
    reference: "RFC 6455 section 7.1.7",
    breaks: "Each lost mobile connection costs a slot, until nobody is transcribed any more.",
    async run(context) {
      await requireTranscribed(context);
      for (let count = 0; count < 3; count += 1) {
        const connection = await openConfigured(context);
        sendAudio(connection, PCM.spoken);
        sendCommit(connection);
        connection.sendRaw(HALF_FRAME);
        await sleep(HALF_FRAME_MS, undefined, { signal: context.signal });
        connection.terminate();
        await sleep(HALF_FRAME_MS, undefined, { signal: context.signal });
      }
      await expectTurn(context);
    },
  }),
  defineCheck({
    ...FRAMES,
    id: "realtime.abuse.parallel",
    requirement: "Sessions at the same time don't mix: each has the events of its own items alone.",
    reference: "OpenAPI RealtimeServerEvent.item_id",
    breaks: "What one person says is shown to another.",
    async run(context) {
      await requireTranscribed(context);
      const connections = await Promise.all([openConfigured(context), openConfigured(context)]);
      for (const connection of connections) {
        sendAudio(connection, PCM.spoken);
        sendCommit(connection);
      }
      for (const connection of connections) await awaitEnds(connection, 1, context.patienceMs);
      for (const connection of connections) {
        const ids = connection.events.flatMap(({ value }) =>
          typeof value["item_id"] === "string" ? [value["item_id"]] : [],
        );
        if (ids.length === 0) throw new Inconclusive("there are no items, which other checks judge", OWNERS.liveItems);
        const actual = [...new Set(ids)].join(", ");
        expectOn(connection, new Set(ids).size === 1, { observer: "wire", expected: "the events of one item", actual });
      }
      const [one, other] = connections.map(
        ({ events }) => events.find(({ value }) => value["item_id"] !== undefined)?.value["item_id"],
      );
      const [first] = connections;
      if (first !== undefined)
        expectOn(first, one !== other, { observer: "wire", expected: "an item each", actual: String(one) });
    },
  }),
];

interface Beta {
  readonly slug: string;
  readonly what: string;
  readonly open: (context: CheckContext) => Promise<RealtimeConnection>;
}

const BETA_ROWS: readonly Beta[] = [
  {
    slug: "header",
    what: "A client with the header `OpenAI-Beta: realtime=v1`",
    open: (context) => context.realtime({ query: TRANSCRIPTION_QUERY, headers: { "openai-beta": "realtime=v1" } }),
  },
  {
    slug: "subprotocol",
    what: "A client that offers the subprotocol `openai-beta.realtime-v1`",
    open: (context) =>
      context.realtime({ query: TRANSCRIPTION_QUERY, protocols: ["realtime", "openai-beta.realtime-v1"] }),
  },
  {
    slug: "update",
    what: "A `transcription_session.update`",
    async open(context) {
      const connection = await openSession(context);
      const session = { input_audio_format: "pcm16", turn_detection: null };
      connection.send({ type: "transcription_session.update", session });
      return connection;
    },
  },
];

/** The beta was served until May 2026; who still serves it is right as well. */
export const realtimeBetaChecks: readonly Check[] = BETA_ROWS.map(({ slug, what, open }) =>
  defineCheck({
    ...FRAMES,
    id: `realtime.beta.${slug}`,
    level: slug === "update" ? "should" : "may",
    requirement: `${what} is refused with \`beta_api_shape_disabled\` and the close code 4000, or is served as then.`,
    reference: "api.openai.com since 12 May 2026; OpenWhispr/openwhispr#811",
    breaks: "Old clients wait for events of names that nobody sends any more.",
    async run(context) {
      (await openSession(context)).terminate();
      const connection = await open(context);
      if (!connection.opened)
        throw new Inconclusive(`this needs an upgrade: ${describeConnection(connection)}`, OWNERS.liveOpen);
      const isServed = (): boolean =>
        connection.events.some(({ value }) => String(value["type"]).startsWith("transcription_session."));
      await connection.until(() => isServed() || connection.closure !== null, Math.min(3000, context.patienceMs));
      if (isServed()) return;
      const codes = connection.events.map(({ value }) => JSON.stringify(value["error"] ?? null));
      const holds =
        codes.some((error) => error.includes("beta_api_shape_disabled")) && connection.closure?.code === 4000;
      const actual = describeConnection(connection);
      expectOn(connection, holds, { observer: "wire", expected: "beta_api_shape_disabled, then 4000", actual });
    },
  }),
);
