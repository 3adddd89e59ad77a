/** Checks of responses: the object, the events of a stream and their order, and calls. */

import { responseSchema, responseStreamEventSchema, validateShape } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { jsonFrames, sseFrames } from "../../src/expect-stream.ts";
import {
  assume,
  expectJsonObject,
  expectSdkValue,
  expectStatus,
  expectThat,
  isJsonObject,
  type JsonObject,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { requireStatus } from "../support/envelope.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { readOutputText } from "../support/response-calls.ts";
import { OWNERS } from "../support/owners.ts";

const RESPONSES = {
  area: "responses",
  level: "must",
  tier: "protocol",
  operation: "createResponse",
  needs: ["key:full", "model:chat"],
  reference: "OpenAPI createResponse; openai-node lib/responses/ResponseStream.ts",
} as const;

const INPUT = "Write one sentence about the sea.";
const LIMIT = 48;

function compose({ models }: CheckContext, fields: JsonObject = {}) {
  return { model: String(models.chat), input: INPUT, max_output_tokens: LIMIT, ...fields };
}

/** @throws NotTestable where the target has no responses */
async function ask(context: CheckContext, fields: JsonObject = {}): Promise<Exchange> {
  const body = JSON.stringify(compose(context, fields));
  const request = { method: "POST", path: "/responses", body, disconnectAfterMs: context.patienceMs } as const;
  const exchange = await context.wire(request);
  if (exchange.response?.status !== 200) await requireOffered(context, RESPONSES.operation);
  return exchange;
}

async function askStream(context: CheckContext): Promise<Exchange> {
  const exchange = await ask(context, { stream: true });
  throwIfUnsupported(exchange, "stream");
  return exchange;
}

/** The events of a stream that is framed as it should be. @throws Inconclusive */
async function requireEvents(context: CheckContext): Promise<readonly JsonObject[]> {
  const exchange = await askStream(context);
  requireStatus(exchange, 200);
  return assume("the stream is one of JSON", OWNERS.responseEvents, () => jsonFrames(exchange));
}

function listItems(events: readonly JsonObject[], type: string): readonly unknown[] {
  return events.filter((event) => event["type"] === type).map(({ item }) => (isJsonObject(item) ? item["id"] : item));
}

function readOutput(event: JsonObject | undefined): readonly unknown[] {
  const response = event?.["response"];
  const output: unknown = isJsonObject(response) ? response["output"] : [];
  return Array.isArray(output) ? output : [];
}

const LAST_TYPES: readonly unknown[] = ["response.completed", "response.incomplete"];

/** What has to have come before an event of an item or of a part of it. */
const OPENED_BY: Readonly<Record<string, string>> = {
  "response.content_part.added": "response.output_item.added",
  "response.output_text.delta": "response.content_part.added",
  "response.output_text.done": "response.content_part.added",
  "response.content_part.done": "response.output_text.done",
  "response.output_item.done": "response.output_item.added",
};

/** @returns what came too soon; null where nothing did */
function findUnopened(events: readonly JsonObject[]): string | null {
  const seen = new Set<string>();
  for (const { type, output_index: index } of events) {
    const opener = OPENED_BY[String(type)];
    if (opener !== undefined && !seen.has(`${opener} ${String(index)}`) && !isReasoningPart(type, seen, index)) {
      return `${String(type)} before ${opener}`;
    }
    seen.add(`${String(type)} ${String(index)}`);
  }
  return null;
}

/** A part of reasoning ends without a text of the answer. */
function isReasoningPart(type: unknown, seen: ReadonlySet<string>, index: unknown): boolean {
  return type === "response.content_part.done" && seen.has(`response.reasoning_text.done ${String(index)}`);
}

const TOOL = {
  type: "function",
  name: "file_report",
  strict: true,
  parameters: {
    type: "object",
    properties: { lot: { type: "string", enum: ["zq-7301"] } },
    required: ["lot"],
    additionalProperties: false,
  },
} as const;

const objectChecks: readonly Check[] = [
  defineCheck({
    ...RESPONSES,
    id: "responses.create.shape",
    requirement: "A response has the documented shape, with an output and its usage.",
    breaks: "Typed clients and the official SDK can't read the answer, or show none.",
    async run(context) {
      const exchange = await ask(context);
      expectStatus(exchange, 200);
      const body = expectJsonObject(exchange);
      const issues = validateShape(responseSchema, body).map(({ path, message }) => `${path}: ${message}`);
      expectThat(issues.length === 0, { observer: "schema", expected: "a Response", actual: issues.join("; ") });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.create.text",
    requirement: "The text of a response is in a message of its output: `output_text` of the SDK is not empty.",
    breaks: "Every program that reads `response.output_text` shows nothing.",
    async run(context) {
      const request = compose(context);
      const outcome = await context.sdk((client) => client.responses.create(request));
      if (outcome.exchange.response?.status !== 200) await requireOffered(context, RESPONSES.operation);
      const { output_text: text, output, status, usage } = expectSdkValue(outcome);
      expectThat(Array.isArray(output), {
        observer: "sdk",
        expected: "a list of items",
        actual: JSON.stringify(output),
      });
      const isSilent = status === "incomplete" || (usage?.output_tokens ?? 0) <= 1;
      if (text === "" && isSilent) throw new Inconclusive("the model wrote no text within its limit", "model");
      const isReasoningAlone = output.length > 0 && output.every(({ type }) => type === "reasoning");
      expectThat(isReasoningAlone || text !== "", {
        observer: "sdk",
        expected: "a text",
        actual: JSON.stringify(text),
      });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.create.call",
    requirement: "A function that `tool_choice` names is called: a `function_call` item with arguments in JSON.",
    breaks: "Codex, openai-agents and the AI SDK never get to a tool.",
    async run(context) {
      const forced = { tools: [TOOL], tool_choice: { type: "function", name: TOOL.name }, max_output_tokens: 512 };
      const exchange = await ask(context, forced);
      throwIfUnsupported(exchange, "tools", "tool_choice");
      expectStatus(exchange, 200);
      const output = readOutput({ response: expectJsonObject(exchange) });
      const call = output.filter(isJsonObject).find(({ type }) => type === "function_call");
      const actual = JSON.stringify(output).slice(0, 200);
      const isRight = /^\s*\{\s*"lot"\s*:\s*"zq-7301"\s*\}\s*$/.test(String(call?.["arguments"]));
      expectThat(call?.["name"] === TOOL.name && isRight, {
        observer: "wire",
        expected: `a call of ${TOOL.name} with its only possible arguments`,
        actual,
      });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.create.unknown-previous",
    requirement:
      "A `previous_response_id` that the target does not have is refused with 400 or 404, and never ignored.",
    reference: "OpenAPI createResponse.previous_response_id; ollama/ollama#18419",
    breaks: "The model answers as if nothing had been said before, and no error says so.",
    async run(context) {
      await requireOffered(context, RESPONSES.operation);
      const exchange = await ask(context, { previous_response_id: `resp_${"0".repeat(48)}` });
      expectStatus(exchange, [400, 404]);
    },
  }),
];

const streamChecks: readonly Check[] = [
  defineCheck({
    ...RESPONSES,
    id: "responses.stream.shape",
    requirement: "Each event of a streamed response has the documented shape.",
    breaks: "Typed clients fail in the middle of an answer.",
    async run(context) {
      const exchange = await askStream(context);
      expectStatus(exchange, 200);
      const issues = jsonFrames(exchange).flatMap((event) =>
        validateShape(responseStreamEventSchema, event).map(
          ({ path, message }) => `${String(event["type"])} ${path}: ${message}`,
        ),
      );
      const actual = issues.slice(0, 5).join("; ");
      expectThat(issues.length === 0, { observer: "schema", expected: "a ResponseStreamEvent each", actual });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.stream.first-last",
    requirement:
      "A streamed response begins with `response.created` and ends with `response.completed` or `response.incomplete`.",
    breaks:
      "The official SDK throws without the first event; Codex repeats the whole turn five times without the last.",
    async run(context) {
      const events = await requireEvents(context);
      const [first, last] = [events[0]?.["type"], events.at(-1)?.["type"]];
      const holds = first === "response.created" && LAST_TYPES.includes(last);
      expectThat(holds, {
        observer: "wire",
        expected: "response.created … response.completed",
        actual: `${String(first)} … ${String(last)}`,
      });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.stream.order",
    requirement: "An item is added before its parts, a part before its text, and each is done after what is in it.",
    breaks: "The official SDK's stream helper throws at a part or a text of an item that it does not know.",
    async run(context) {
      const unopened = findUnopened(await requireEvents(context));
      expectThat(unopened === null, { observer: "wire", expected: "the documented order", actual: String(unopened) });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.stream.numbers",
    level: "should",
    requirement: "`sequence_number` counts the events of a stream from one to the next.",
    breaks: "A client that resumes a stream gets events twice, or misses some.",
    async run(context) {
      const numbers = (await requireEvents(context)).map(({ sequence_number: number }) => Number(number));
      const [first = 0] = numbers;
      const holds = numbers.every((number, index) => number === first + index);
      expectThat(holds, {
        observer: "wire",
        expected: "each one more than the last",
        actual: numbers.slice(0, 20).join(", "),
      });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.stream.names",
    level: "should",
    requirement: "The `event:` of each event is its `type`.",
    reference: "OpenAI API reference, streaming events; WHATWG HTML section 9.2.6",
    breaks: "Clients that listen by name, as EventSource does, hear nothing.",
    async run(context) {
      const exchange = await askStream(context);
      requireStatus(exchange, 200);
      const types = assume("the stream is one of JSON", OWNERS.responseEvents, () => jsonFrames(exchange)).map(
        ({ type }) => String(type),
      );
      const names = sseFrames(exchange).flatMap(({ data, event }) => (data === null ? [] : [event ?? "none"]));
      const wrong = types.findIndex((type, index) => names[index] !== type);
      const actual = `${names[wrong] ?? "none"} for ${types[wrong] ?? "none"}`;
      expectThat(wrong === -1, { observer: "wire", expected: "the type as the name", actual });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.stream.same-items",
    requirement:
      "The items that were added, those that were done and those of the last event are the same, by id and in order.",
    reference: "vllm-project/vllm#56285",
    breaks: "Agents send the id of one event back, and it is refused as unknown.",
    async run(context) {
      const events = await requireEvents(context);
      const added = listItems(events, "response.output_item.added").join(" ");
      const done = listItems(events, "response.output_item.done").join(" ");
      const final = readOutput(events.at(-1))
        .map((item) => (isJsonObject(item) ? item["id"] : item))
        .join(" ");
      expectThat(added !== "" && added === done && done === final, {
        observer: "wire",
        expected: `the items ${added}`,
        actual: `done: ${done}; final: ${final}`,
      });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.stream.helper",
    requirement: "The SDK's stream helper reads a streamed response, and its text is that of the deltas.",
    breaks: "Every program that uses `responses.stream()` throws, or shows another text than it has streamed.",
    async run(context) {
      await requireOffered(context, RESPONSES.operation);
      const request = compose(context);
      const outcome = await context.sdk(async (client) => {
        const stream = client.responses.stream(request);
        let streamed = "";
        for await (const event of stream) if (event.type === "response.output_text.delta") streamed += event.delta;
        // openai 5 leaves output_text out of what its helper returns.
        const { output } = await stream.finalResponse();
        return { streamed, final: readOutputText({ output }) };
      });
      const { streamed, final } = expectSdkValue(outcome);
      expectThat(streamed === final, {
        observer: "sdk",
        expected: JSON.stringify(final),
        actual: JSON.stringify(streamed),
      });
    },
  }),
];

export const createResponseChecks: readonly Check[] = [...objectChecks, ...streamChecks];
