/**
 * Checks that look at every event of whole sessions: those in which all goes well, and one in which a client makes each
 * mistake that the document lets it go on after. Other checks own single rules and say more about each.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import { type CheckContext, defineShared } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import type { ReceivedEvent } from "../../src/realtime-connection.ts";
import { excerpt } from "../../src/response-body.ts";
import { type Flaw, should } from "../invariants/flaws.ts";
import { PCM } from "../support/realtime-audio.ts";
import { describeConnection, isAlive, openConfigured, REALTIME, sendAudio } from "../support/realtime-calls.ts";
import { everyRecord, requireTurns } from "../support/realtime-records.ts";
import { FAULT_ROWS } from "./faults.ts";
import {
  listErrorFlaws,
  listEventFlaws,
  listItemFlaws,
  listMessageFlaws,
  listSessionFlaws,
  listSpeechFlaws,
  listTextFlaws,
} from "./flaws.ts";
import { OWNERS } from "../support/owners.ts";

interface Seen {
  readonly events: readonly ReceivedEvent[];
  readonly exchange: Exchange;
  readonly flaws: readonly Flaw[];
}

type Values = readonly JsonObject[];

function listFlaws(events: readonly ReceivedEvent[]): readonly Flaw[] {
  const values: Values = events.map(({ value }) => value);
  return [
    ...listMessageFlaws(events),
    ...listEventFlaws(values),
    ...listSessionFlaws(values),
    ...listItemFlaws(values),
    ...listTextFlaws(values),
    ...listSpeechFlaws(values),
    ...listErrorFlaws(values),
  ];
}

async function lookAtRecords(context: CheckContext): Promise<readonly Seen[]> {
  const records = await everyRecord(context);
  for (const record of records) requireTurns(record);
  return records.map((record) => {
    const { events } = record;
    return { events, exchange: record.exchange(), flaws: listFlaws(events) };
  });
}

/** A mistake, and the answers that came before the next one's. */
interface Mistake {
  readonly slug: string;
  /** The id that its message had; null for a message that can have none. */
  readonly id: string | null;
  readonly answers: Values;
}

interface Mistakes {
  readonly mistakes: readonly Mistake[];
  readonly events: readonly ReceivedEvent[];
  readonly exchange: Exchange;
  /** Whether the session was there in the end, and in which words. */
  readonly end: string | null;
}

/** What a client sends that makes a server work, and is no mistake that a check of its own sends alone. */
const NOT_HERE = new Set(["deep", "long-event-id"]);
const COMMIT = { type: "input_audio_buffer.commit" };

/** Made once in a run, in one session */
const MISTAKES = defineShared<Mistakes>();

/** @throws NotTestable, Inconclusive */
function requireMistakes(context: CheckContext): Promise<Mistakes> {
  return context.shared(MISTAKES, () => makeMistakes(context));
}

async function makeMistakes(context: CheckContext): Promise<Mistakes> {
  const connection = await openConfigured(context);
  const rows = [...FAULT_ROWS.filter(({ slug }) => !NOT_HERE.has(slug)), { slug: "empty-commit", message: COMMIT }];
  const mistakes: Mistake[] = [];
  let end: string | null = null;
  for (const [place, { slug, message }] of rows.entries()) {
    const from = connection.events.length;
    const id = typeof message === "string" ? null : `conformance-${place}`;
    connection.send(typeof message === "string" ? message : { ...message, event_id: id });
    const alive = await isAlive(context, connection);
    const answers = connection.events.slice(from).map(({ value }) => value);
    mistakes.push({ slug, id, answers: answers.filter(({ type }) => type !== "input_audio_buffer.cleared") });
    if (alive) continue;
    end = `${describeConnection(connection)} after ${slug}`;
    break;
  }
  // What a mistake left behind shows in what comes next.
  if (end === null) {
    sendAudio(connection, PCM.spoken.subarray(0, PCM.bytesPerMs * 50));
    if (!(await isAlive(context, connection))) end = describeConnection(connection);
  }
  const exchange = connection.exchange();
  connection.terminate();
  return { mistakes, events: connection.events, exchange, end };
}

async function lookAtMistakes(context: CheckContext): Promise<readonly Seen[]> {
  const { mistakes, events, exchange, end } = await requireMistakes(context);
  const flaws = [
    ...should(end === null, "a session that goes on", end),
    ...listFlaws(events),
    ...mistakes.flatMap(listAnswerFlaws),
    ...listSameFlaws(mistakes),
  ];
  return [{ events, exchange, flaws }];
}

function readError(answers: Values): JsonObject {
  const error = answers.find(({ type }) => type === "error")?.["error"];
  return isJsonObject(error) ? error : {};
}

/** One error, which names the message. */
function listAnswerFlaws({ slug, id, answers }: Mistake): readonly Flaw[] {
  const errors = answers.filter(({ type }) => type === "error");
  const { event_id: named } = readError(answers);
  return [
    ...should(errors.length === 1, `one error after ${slug}`, answers),
    ...should(
      errors.length === 0 || (named ?? null) === id,
      `an error that names ${JSON.stringify(id)}, or nothing`,
      errors,
    ),
  ];
}

/** Two mistakes that have nothing in common, and what the refusal of each says. */
function listSameFlaws(mistakes: readonly Mistake[]): readonly Flaw[] {
  const read = (slug: string): JsonObject => readError(mistakes.find((one) => one.slug === slug)?.answers ?? []);
  const [unknown, audio, commit] = [read("unknown-event"), read("append-without-audio"), read("empty-commit")];
  const messages = [unknown, audio, commit].map(({ message }) => message).filter((message) => message !== undefined);
  const codes = [audio, commit].map(({ code }) => code).filter((code) => (code ?? null) !== null);
  return [
    ...should(new Set(messages).size === messages.length, "a message of its own for each mistake", messages),
    ...should(new Set(codes).size === codes.length, "a code of its own for each mistake", codes),
    ...should(isNullOr(audio["param"], /audio/), "the parameter audio, or none", audio),
    ...should(isNullOr(commit["param"], /audio|buffer/), "no parameter that a commit has not", commit),
  ];
}

function isNullOr(value: unknown, pattern: RegExp): boolean {
  return (value ?? null) === null || pattern.test(String(value));
}

interface Look {
  readonly slug: string;
  readonly what: string;
  readonly look: (context: CheckContext) => Promise<readonly Seen[]>;
}

const LOOKS: readonly Look[] = [
  { slug: "events", what: "a session in which all goes well", look: lookAtRecords },
  { slug: "mistakes", what: "a session in which a client makes mistakes", look: lookAtMistakes },
];

function defineLook({ slug, what, look }: Look, level: Flaw["level"]): Check {
  const isStrict = level === "must";
  return defineCheck({
    ...REALTIME,
    id: `realtime.invariants.${slug}${isStrict ? "" : "-details"}`,
    level,
    requirement: isStrict
      ? `Every event of ${what} is what the document says: its shape, its ids, and whose it is.`
      : `The details of ${what} agree with each other: ids, items, codes and order.`,
    reference: "OpenAPI RealtimeServerEvent; openai-node realtime/internal-base.ts",
    breaks: isStrict
      ? "Typed clients can't read the event, or file it under another item."
      : "Clients show a wrong order, or can't tell their mistakes apart.",
    async run(context) {
      const seen = await look(context);
      if (seen.every(({ events }) => events.length === 0))
        throw new Inconclusive("there is no event", OWNERS.liveCreated);
      for (const { flaws, exchange } of seen) {
        const found = flaws.find((flaw) => flaw.level === level);
        if (found !== undefined) throw new Failure({ ...found, actual: excerpt(found.actual), exchange });
      }
    },
  });
}

export const realtimeInvariantChecks: readonly Check[] = LOOKS.flatMap((look) => [
  defineLook(look, "must"),
  defineLook(look, "should"),
]);
