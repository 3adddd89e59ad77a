/**
 * What is wrong with the events of a streamed response. What a client does without an event is measured: the official
 * SDKs throw without `response.created`, `output_item.added` and `content_part.added`, Codex takes its items from
 * `output_item.done` and repeats a turn without a terminal event, others read the whole answer out of that event.
 */

import { responseStreamEventSchema } from "@openai-compat/spec";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { bodyBytes } from "../../src/response-body.ts";
import { parseSse } from "../../src/sse.ts";
import type { AskedFor } from "./chat-flaws.ts";
import { flaw, type Flaw, listShapeFlaws, must, objectsOf, readStream, should } from "./flaws.ts";
import { listBodyFlaws, listResponseHeadFlaws } from "./response-flaws.ts";

const TERMINAL: readonly unknown[] = ["response.completed", "response.incomplete", "response.failed"];

export function listResponseStreamFlaws(exchange: Exchange, asked: AskedFor): readonly Flaw[] {
  const { events, flaws } = readStream(exchange, false);
  const numbers = events.map(({ sequence_number: number }) => Number(number));
  const [first] = events;
  const last = events.at(-1);
  const responses = events.map(({ response }) => response).filter(isJsonObject);
  const ends = events.filter(({ type }) => TERMINAL.includes(type));
  const started = isJsonObject(first?.["response"]) ? first["response"] : {};
  return [
    ...flaws,
    ...listNameFlaws(exchange, events),
    ...events.flatMap((event) => listShapeFlaws(event, responseStreamEventSchema)).slice(0, 1),
    ...must(
      numbers.every((number, place) => place === 0 || number > (numbers[place - 1] ?? 0)),
      "a `sequence_number` that grows",
      numbers,
    ),
    ...should(
      numbers.every((number, place) => number === place),
      "a `sequence_number` that counts the events from 0",
      numbers,
    ),
    ...must(first?.["type"] === "response.created", "response.created first", first),
    ...must(
      started["status"] === "in_progress" || started["status"] === "queued",
      "a status of work",
      started["status"],
    ),
    ...must(objectsOf(started["output"]).length === 0, "no output in the first event", started["output"]),
    ...listResponseHeadFlaws(started),
    // A response that waits says so until it begins.
    ...should(BEGINNING.has(events[1]?.["type"]), "response.in_progress or response.queued second", events[1]),
    ...must(ends.length === 1 && TERMINAL.includes(last?.["type"]), "one terminal event, the last one", last),
    ...["id", "model", "created_at"].flatMap((name) => {
      const values = [...new Set(responses.map((response) => response[name]))];
      return must(values.length <= 1, `the same ${name} in each event`, values);
    }),
    ...listChangeFlaws(responses),
    ...listOutputFlaws(events),
    ...listLastFlaws(last, events, asked),
  ];
}

const BEGINNING: ReadonlySet<unknown> = new Set(["response.in_progress", "response.queued"]);

/** Who listens for events by their names gets each with its own data. */
function listNameFlaws(exchange: Exchange, events: readonly JsonObject[]): readonly Flaw[] {
  const { frames } = parseSse(bodyBytes(exchange));
  const alone = frames.find(({ data, event }) => data === null && event !== null);
  const names = frames.flatMap(({ data, event }) => (data === null || data === "[DONE]" ? [] : [event]));
  const other = events.findIndex(({ type }, place) => (names[place] ?? type) !== type);
  return [
    ...should(alone === undefined, "the name of an event beside its data", alone?.event),
    ...should(other === -1, "events whose names are their types", [names[other], events[other]?.["type"]]),
  ];
}

/** What becomes of a response while it is made. A service tier is chosen then. */
const MADE = ["status", "output", "usage", "completed_at", "incomplete_details", "error", "service_tier"];

/** All else of a response is the same in each event. */
function listChangeFlaws(responses: readonly JsonObject[]): readonly Flaw[] {
  const names = new Set(responses.flatMap((response) => Object.keys(response)));
  return [...names].flatMap((name) => {
    const values = new Set(responses.map((response) => JSON.stringify(response[name])));
    return should(MADE.includes(name) || values.size === 1, `the same ${name} in each event`, [...values]);
  });
}

function listLastFlaws(last: JsonObject | undefined, events: readonly JsonObject[], asked: AskedFor): readonly Flaw[] {
  const response = last?.["response"];
  if (!isJsonObject(response)) return [flaw("must", "the whole response in the last event", last)];
  const done = events.flatMap(({ type, item }) => (type === "response.output_item.done" ? [item] : []));
  return [
    ...listBodyFlaws(response, asked),
    ...must(
      last?.["type"] === `response.${String(response["status"])}`,
      "the status of the last event",
      last?.["type"],
    ),
    ...must(
      JSON.stringify(objectsOf(response["output"])) === JSON.stringify(done),
      "the items of output_item.done in the last event, with their ids",
      { output: response["output"], done },
    ),
  ];
}

/** Items come one after the other, and each begins, grows and ends. */
function listOutputFlaws(events: readonly JsonObject[]): readonly Flaw[] {
  const added = events.filter(({ type }) => type === "response.output_item.added");
  const indexes = added.map(({ output_index: index }) => index);
  const strays = events.filter(({ output_index: index }) => index !== undefined && !indexes.includes(index));
  return [
    ...must(
      indexes.every((index, place) => index === place),
      "items 0, 1, 2 … in order",
      indexes,
    ),
    ...must(strays.length === 0, "output_item.added before all else of an item", strays[0]),
    ...added.flatMap((event) =>
      listItemFlaws(
        event,
        events.filter(({ output_index: index }) => index === event["output_index"]),
      ),
    ),
  ];
}

function listItemFlaws(added: JsonObject, own: readonly JsonObject[]): readonly Flaw[] {
  const item = isJsonObject(added["item"]) ? added["item"] : {};
  const ends = own.filter(({ type }) => type === "response.output_item.done");
  const [end] = ends;
  const done = isJsonObject(end?.["item"]) ? end["item"] : {};
  const named = own.flatMap(({ item_id: id }) => (id === undefined ? [] : [id]));
  const isOf = (type: string) => (item["type"] === type ? done : null);
  return [
    ...must(own[0] === added, "output_item.added before all else of an item", own[0]),
    ...must(ends.length === 1 && own.at(-1) === end, "output_item.done after all else of an item", own.at(-1)),
    ...must(named.every((id) => id === item["id"]) && done["id"] === item["id"], "one id of an item", [
      item["id"],
      ...named,
      done["id"],
    ]),
    ...must(done["type"] === item["type"], "one type of an item", done["type"]),
    ...should(item["status"] === undefined || item["status"] === "in_progress", "an item in progress", item),
    ...listPartFlaws(isOf("message"), own),
    ...listTextOfCallFlaws(isOf("function_call"), own, CALL_EVENTS),
    ...listTextOfCallFlaws(isOf("custom_tool_call"), own, CUSTOM_EVENTS),
  ];
}

function listPartFlaws(message: JsonObject | null, own: readonly JsonObject[]): readonly Flaw[] {
  if (message === null) return [];
  const parts = objectsOf(message["content"]);
  const starts = own.filter(({ type }) => type === "response.content_part.added");
  const indexes = starts.map(({ content_index: index }) => index);
  return [
    ...must(
      starts.length === parts.length && indexes.every((index, place) => index === place),
      "content_part.added for each part",
      { parts, indexes },
    ),
    ...parts.flatMap((part, index) =>
      listTextFlaws(
        part,
        own.filter((event) => event["content_index"] === index),
      ),
    ),
  ];
}

function listTextFlaws(part: JsonObject, own: readonly JsonObject[]): readonly Flaw[] {
  const { type, text, refusal } = part;
  const whole = type === "refusal" ? refusal : text;
  const kind = type === "refusal" ? "response.refusal" : "response.output_text";
  const deltas = own.filter((event) => event["type"] === `${kind}.delta`);
  const done = own.filter((event) => event["type"] === `${kind}.done`);
  const ended = own.filter((event) => event["type"] === "response.content_part.done");
  const field = type === "refusal" ? "refusal" : "text";
  return [
    ...must(own[0]?.["type"] === "response.content_part.added", "content_part.added before its text", own[0]),
    ...must(deltas.map(({ delta }) => String(delta)).join("") === whole, "deltas that are the text", { whole, deltas }),
    ...should(done.length === 1, `one ${kind}.done`, done.length),
    ...done.flatMap((event) => must(event[field] === whole, `the text in ${kind}.done`, event)),
    ...should(ended.length === 1 && own.at(-1) === ended[0], "content_part.done after its text", own.at(-1)),
    ...ended.flatMap((event) => must(isSame(event["part"], part), "the part in content_part.done", event)),
    ...listScoreFlaws(part, { deltas, done, ended }),
  ];
}

function isSame(one: unknown, other: JsonObject): boolean {
  return isJsonObject(one) && one["type"] === other["type"] && one["text"] === other["text"];
}

interface TextEvents {
  readonly deltas: readonly JsonObject[];
  readonly done: readonly JsonObject[];
  readonly ended: readonly JsonObject[];
}

/** Log probabilities that the text has in the end come with its pieces, and again with its end. */
function listScoreFlaws({ logprobs }: JsonObject, { deltas, done, ended }: TextEvents): readonly Flaw[] {
  const whole = readScores(logprobs);
  if (whole === "[]") return [];
  const parts = ended.map(({ part }) => (isJsonObject(part) ? part : {}));
  const told: readonly (readonly [string, unknown])[] = [
    ["the deltas", deltas.flatMap((event) => objectsOf(event["logprobs"]))],
    ...done.map((event): [string, unknown] => ["output_text.done", event["logprobs"]]),
    ...parts.map((part): [string, unknown] => ["content_part.done", part["logprobs"]]),
  ];
  return told.flatMap(([where, scores]) =>
    should(readScores(scores) === whole, `the log probabilities of the text in ${where}`, scores),
  );
}

/** The document has no bytes in the events of a text. */
function readScores(scores: unknown): string {
  const read = ({ token, logprob }: JsonObject): unknown => [token, logprob];
  return JSON.stringify(objectsOf(scores).map((one) => [read(one), objectsOf(one["top_logprobs"]).map(read)]));
}

interface CallEvents {
  readonly prefix: string;
  /** Of the item, and of the event that ends its text. */
  readonly field: string;
}

const CALL_EVENTS: CallEvents = { prefix: "response.function_call_arguments", field: "arguments" };
const CUSTOM_EVENTS: CallEvents = { prefix: "response.custom_tool_call_input", field: "input" };

function listTextOfCallFlaws(
  call: JsonObject | null,
  own: readonly JsonObject[],
  { prefix, field }: CallEvents,
): readonly Flaw[] {
  if (call === null) return [];
  const started = isJsonObject(own[0]?.["item"]) ? own[0]["item"] : {};
  const deltas = own.filter(({ type }) => type === `${prefix}.delta`);
  const done = own.filter(({ type }) => type === `${prefix}.done`);
  const whole = call[field];
  return [
    ...must((started[field] ?? "") === "", `no ${field} in output_item.added`, started),
    ...["call_id", "name"].flatMap((name) =>
      must(started[name] === call[name], `one ${name} of a call`, [started, call]),
    ),
    ...must(deltas.map(({ delta }) => String(delta)).join("") === whole, `deltas that are the ${field}`, {
      whole,
      deltas,
    }),
    ...must(done.length === 1, `one ${prefix}.done`, done.length),
    ...done.flatMap((event) => must(event[field] === whole, `the ${field} in ${prefix}.done`, event)),
  ];
}
