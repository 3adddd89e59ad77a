/**
 * What is wrong with the events of a realtime session, whatever happened in it: each function looks at one kind of
 * event and lists what it finds. Nothing here sends anything or ends a check.
 */

import { operations, validateShape } from "@openai-compat/spec";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { ReceivedEvent } from "../../src/realtime-connection.ts";
import { type Flaw, must, objectsOf, should } from "../invariants/flaws.ts";
import { COMPLETED, DELTA } from "../support/realtime-calls.ts";

type Events = readonly JsonObject[];

/** Each a text that is no event: two in one message, a list, a binary one. */
export function listMessageFlaws(events: readonly ReceivedEvent[]): readonly Flaw[] {
  return events.flatMap(({ text, value }) => must(typeof value["type"] === "string", "an event with a type", text));
}

export function listEventFlaws(events: Events): readonly Flaw[] {
  const ids = events.map(({ event_id: id }) => id).filter((id) => typeof id === "string");
  return [
    ...events.flatMap(listShape),
    ...must(new Set(ids).size === ids.length, "an event_id of its own in each event", ids),
  ];
}

function listShape(event: JsonObject): readonly Flaw[] {
  const issues = validateShape(operations.connectRealtime.serverEvent, event)
    // Servers send more events than the document has, and clients pass over them.
    .filter(({ path }) => path !== "type")
    .map(({ path, message }) => `${path || "(root)"}: ${message}`);
  return must(
    issues.length === 0,
    "the shape in the specification",
    `${issues.join("; ")} in ${JSON.stringify(event)}`,
  );
}

/** The session says the same of itself in each event, and only once that it has begun. */
export function listSessionFlaws(events: Events): readonly Flaw[] {
  const created = events.filter(({ type }) => type === "session.created");
  const told = events.filter(({ type }) => type === "session.created" || type === "session.updated");
  const sessions = told.map(({ session }) => session).filter(isJsonObject);
  return [
    ...must(
      created.length === 1 && events[0] === created[0],
      "one session.created, as the first event",
      typesOf(events),
    ),
    ...["id", "object", "type", "model"].flatMap((name) =>
      must(new Set(sessions.map((session) => session[name])).size <= 1, `one ${name} of the session`, sessions),
    ),
    ...sessions.flatMap(listEndFlaws),
  ];
}

/** 0 stands for a session without an end. */
function listEndFlaws({ expires_at: end }: JsonObject): readonly Flaw[] {
  const isTime = typeof end === "number" && (end === 0 || end > Date.now() / 1000 - 300);
  return should((end ?? null) === null || isTime, "expires_at ahead, in seconds", end);
}

const ITEM_EVENTS = ["conversation.item.added", "conversation.item.done"];
const OF_AN_ITEM = /^(?:input_audio_buffer\.(?:committed|speech_)|conversation\.item\.)/;

/** Each item is added and done once, and is a message of the user with audio; both events say the same of it. */
export function listItemFlaws(events: Events): readonly Flaw[] {
  const committed = events.filter(({ type }) => type === "input_audio_buffer.committed");
  const ids = committed.map(({ item_id: id }) => id);
  const told = events.filter(({ type }) => ITEM_EVENTS.includes(String(type)));
  return [
    ...must(new Set(ids).size === ids.length, "each item committed once", ids),
    ...ITEM_EVENTS.flatMap((name) => {
      const own = told.filter(({ type }) => type === name).map(({ item }) => (isJsonObject(item) ? item["id"] : null));
      return must(
        own.length === ids.length && own.every((id, at) => id === ids[at]),
        `${name} once of ${ids.join(", ")}`,
        own,
      );
    }),
    ...told.flatMap(({ item, previous_item_id: previous }) => {
      const at = isJsonObject(item) ? ids.indexOf(item["id"]) : -1;
      const before = ids[at - 1] ?? null;
      return [
        ...must(isJsonObject(item), "an item", item),
        ...(isJsonObject(item) ? listUserItemFlaws(item) : []),
        ...should(at < 0 || (previous ?? null) === before, `previous_item_id ${JSON.stringify(before)}`, previous),
      ];
    }),
    ...listStrayFlaws(events, ids),
  ];
}

/** What may come of audio that is still in the buffer: a live model writes while somebody speaks. */
const BEFORE_COMMIT = ["input_audio_buffer.speech_started", DELTA];

/** An event is of a committed item, or of audio that the client cleared afterwards, and then nothing more comes of it. */
function listStrayFlaws(events: Events, ids: readonly unknown[]): readonly Flaw[] {
  const clears = events.flatMap(({ type }, at) => (type === "input_audio_buffer.cleared" ? [at] : []));
  const clearedIn = new Map<unknown, number | undefined>();
  const isStray = (event: JsonObject, at: number): boolean => {
    const { type, item, item_id: id } = event;
    if (!OF_AN_ITEM.test(String(type)) || item !== undefined || ids.includes(id)) return false;
    const clear = clears.find((place) => place > at);
    if (!clearedIn.has(id)) clearedIn.set(id, clear);
    return clear === undefined || clearedIn.get(id) !== clear || !BEFORE_COMMIT.includes(String(type));
  };
  return must(
    !events.some(isStray),
    `events of the items ${ids.join(", ")}, and of no other than what was cleared`,
    events.map(({ type, item_id: id }) => `${String(type)} ${String(id)}`),
  );
}

function listUserItemFlaws(item: JsonObject): readonly Flaw[] {
  const { type, role, status, object, content } = item;
  const [part] = objectsOf(content);
  return [
    ...must(type === "message" && role === "user", "a message of the user", item),
    ...should((object ?? "realtime.item") === "realtime.item", "the object realtime.item", object),
    ...should(status === undefined || typeof status === "string", "a status, or none", status),
    ...must(Array.isArray(content) && objectsOf(content).length === content.length, "a list of content", content),
    ...must(part?.["type"] === "input_audio", "input_audio in its content", part),
    ...must(isTextOrNull(part?.["transcript"]), "a transcript that is a text or null", part),
  ];
}

const isTextOrNull = (value: unknown): boolean => (value ?? null) === null || typeof value === "string";

/** Each text begins where the one before it ended, and all of them are the transcript. */
export function listTextFlaws(events: Events): readonly Flaw[] {
  return events
    .filter(({ type }) => type === COMPLETED)
    .flatMap((completed) => {
      const { item_id: id, transcript } = completed;
      const own = events.filter((event) => event["item_id"] === id);
      const deltas = own
        .filter(({ type }) => type === DELTA)
        .map(({ delta }) => (typeof delta === "string" ? delta : ""));
      return [
        ...must(own.filter(({ type }) => type === COMPLETED).length === 1, "one end of each text", typesOf(own)),
        ...must(typeof transcript === "string", "a transcript", completed),
        ...must(deltas.length === 0 || deltas.join("") === transcript, "deltas that are the transcript", {
          deltas,
          transcript,
        }),
      ];
    });
}

const ERROR_TYPE = /^(?:[a-z]+_)*error$/;

/** Errors of messages: of the client's, one each, and each names its message. */
export function listErrorFlaws(events: Events): readonly Flaw[] {
  const errors = events.filter(({ type }) => type === "error").map(({ error }) => error);
  return errors.flatMap((error) => {
    const { type, message, code } = isJsonObject(error) ? error : {};
    return [
      ...must(typeof type === "string" && typeof message === "string" && message !== "", "a type and a message", error),
      ...should(ERROR_TYPE.test(String(type)), "a type such as invalid_request_error", type),
      ...should(type !== "server_error", "an error of the client's", error),
      ...should(typeof code === "string" || (code ?? null) === null, "a code, or null", code),
    ];
  });
}

/** Times of speech in whole milliseconds, by the clock of the audio. */
export function listSpeechFlaws(events: Events): readonly Flaw[] {
  const times = events.flatMap(({ audio_start_ms: start, audio_end_ms: end }) => start ?? end ?? []);
  const told = events.filter(({ type }) => String(type).startsWith("input_audio_buffer.speech_"));
  const kinds = told.map(({ type, item_id: id }) => `${String(type)} ${String(id)}`);
  const holds = times.every((time, at) => Number.isInteger(time) && Number(time) >= Number(times[at - 1] ?? 0));
  return [
    ...must(holds, "times of speech that don't go back", times),
    ...must(new Set(kinds).size === kinds.length, "one start and one end of an item's speech", kinds),
  ];
}

function typesOf(events: Events): string {
  return events.map(({ type }) => String(type)).join(", ");
}
