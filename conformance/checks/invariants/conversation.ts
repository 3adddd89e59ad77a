/**
 * Checks that all of a request reaches the model, for answers and for streams: every part of a conversation adds to the
 * tokens of the prompt, text beyond ASCII comes back as it was, and a stream says and counts what the answer does.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectStatus, expectThat, isJsonObject, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { SHORT_PROMPT, userMessage } from "../support/chat-calls.ts";
import { requireStatus } from "../support/envelope.ts";
import { type AnswerMode, PLAIN_REQUESTS, type PlainRequest, sendPlain } from "../support/plain-requests.ts";
import { ask, read, send } from "./ask.ts";
import { FORCED, OTHER_FORCED } from "./variants.ts";
import { readVector } from "./other-flaws.ts";
import { objectsOf, readAnswer } from "./flaws.ts";
import { OWNERS } from "../support/owners.ts";

const [CHAT, TEXT, EMBEDDING] = PLAIN_REQUESTS;
const MODES: readonly AnswerMode[] = ["body", "stream"];

const LONG =
  "The harbour lies in the north of the island, and three old boats with red sails wait there for the tide every morning.";
const CALL = { id: "call_1", type: "function", function: { name: "get_time", arguments: "{}" } };
const last = userMessage(SHORT_PROMPT);

/** Conversations: with and without something that a model has to be told. */
export const PARTS: Readonly<Record<string, readonly [with_: readonly JsonObject[], without: readonly JsonObject[]]>> =
  {
    "a system message": [[{ role: "system", content: LONG }, last], [last]],
    "a developer message": [[{ role: "developer", content: LONG }, last], [last]],
    "an earlier turn of the user": [
      [userMessage(LONG), { role: "assistant", content: "Yes." }, last],
      [userMessage("Hello."), { role: "assistant", content: "Yes." }, last],
    ],
    "an earlier answer": [
      [userMessage("Hello."), { role: "assistant", content: LONG }, last],
      [userMessage("Hello."), { role: "assistant", content: "Yes." }, last],
    ],
    "the last turn": [
      [{ role: "system", content: "Be brief." }, userMessage(LONG)],
      [{ role: "system", content: "Be brief." }, last],
    ],
    "a second text part": [
      [
        userMessage([
          { type: "text", text: SHORT_PROMPT },
          { type: "text", text: LONG },
        ]),
      ],
      [userMessage([{ type: "text", text: SHORT_PROMPT }])],
    ],
    "the end of a long text": [[userMessage(`${LONG} ${LONG} ${LONG}`)], [userMessage(LONG)]],
    "the result of a tool": [
      [
        userMessage("What time is it?"),
        { role: "assistant", content: null, tool_calls: [CALL] },
        { role: "tool", tool_call_id: "call_1", content: LONG },
      ],
      [
        userMessage("What time is it?"),
        { role: "assistant", content: null, tool_calls: [CALL] },
        { role: "tool", tool_call_id: "call_1", content: "Noon." },
      ],
    ],
    "text beyond ASCII": [[userMessage(`${SHORT_PROMPT} ${"Привет мир и всем добрый день. ".repeat(3)}`)], [last]],
  };

/** The smallest number of tokens that any tokeniser makes of what is added. */
export const ADDED_TOKENS_MIN = 5;

async function countPrompt(
  context: CheckContext,
  mode: AnswerMode,
  messages: readonly JsonObject[],
): Promise<number | null> {
  if (CHAT === undefined) return null;
  const exchange = await send(context, CHAT, { mode, fields: { messages } });
  // A template may know no such role, or refuse the order.
  if (exchange.response?.status !== 200) return null;
  const { usage } = await read(context, CHAT, { mode, exchange });
  const { prompt_tokens: tokens } = usage;
  if (typeof tokens !== "number")
    throw new Inconclusive(
      "there are no prompt_tokens, which chat.invariants.chat and chat.invariants.chat-stream judge",
      mode === "stream" ? OWNERS.streamUsage : OWNERS.chatUsage,
    );
  return tokens;
}

/** A usage that is always the same says nothing of what the model was told. @throws Inconclusive */
async function requireCounting(context: CheckContext, mode: AnswerMode): Promise<void> {
  const fewer = await countPrompt(context, mode, [last]);
  const more = await countPrompt(context, mode, [userMessage(`${LONG} ${LONG} ${LONG}`)]);
  if (fewer === null || more === null || more > fewer) return;
  throw new Inconclusive(
    `prompt_tokens are always ${fewer}, which chat.usage.counts-the-prompt judges`,
    OWNERS.chatUsageCounts,
  );
}

const GENERAL = { area: "chat", tier: "protocol", operation: "createChatCompletion", needs: ["model:chat"] } as const;

const conversationChecks: readonly Check[] = MODES.map((mode) =>
  defineCheck({
    ...GENERAL,
    id: `chat.invariants.conversation-${mode}`,
    level: "must",
    requirement: `Every part of a conversation adds to the tokens of the prompt${mode === "stream" ? " of a stream" : ""}.`,
    reference: "OpenAPI CreateChatCompletionRequest.messages, CompletionUsage.prompt_tokens",
    breaks: "The model never hears the system's rules, an earlier turn or a tool's result, and nobody is told.",
    async run(context) {
      await requireCounting(context, mode);
      for (const [what, [longer, shorter]] of Object.entries(PARTS)) {
        const more = await countPrompt(context, mode, longer);
        const fewer = more === null ? null : await countPrompt(context, mode, shorter);
        if (more === null || fewer === null) continue;
        const actual = `${what} makes ${fewer} tokens ${more}`;
        expectThat(more >= fewer + ADDED_TOKENS_MIN, {
          observer: "wire",
          expected: "more tokens of the prompt",
          actual,
        });
      }
    },
  }),
);

export const NAME = "Zürich 東京 Ωmega 🚀";
export const PLAIN_NAME = "zq-7301";

const composePlace = (name: string): JsonObject => ({
  max_tokens: 200,
  response_format: {
    type: "json_schema",
    json_schema: {
      name: "place",
      strict: true,
      schema: {
        type: "object",
        properties: { place: { type: "string", enum: [name] } },
        required: ["place"],
        additionalProperties: false,
      },
    },
  },
});

/** The place that the schema leaves no choice about. @throws Inconclusive where nothing constrains the output */
async function readPlace(context: CheckContext, mode: AnswerMode, name: string) {
  if (CHAT === undefined) throw new Inconclusive("there is no request of chat", OWNERS.schemaText);
  const exchange = await send(context, CHAT, { mode, fields: composePlace(name) });
  throwIfUnsupported(exchange, "response_format");
  const { text } = await read(context, CHAT, { mode, exchange });
  const value = parse(text);
  if (value === undefined)
    throw new Inconclusive("the structured output is no JSON: cut, or not constrained", OWNERS.schemaFits);
  return { place: isJsonObject(value) ? value["place"] : undefined, text };
}

const unicodeChecks: readonly Check[] = MODES.flatMap((mode) => [
  defineCheck({
    ...GENERAL,
    id: `chat.invariants.unicode-${mode}`,
    level: "must",
    requirement: `Text beyond ASCII in a schema comes back in ${mode === "stream" ? "a stream" : "an answer"} as it was sent.`,
    reference: "RFC 8259 section 8.1; OpenAPI ResponseFormatJsonSchema",
    breaks: "Names, quotations and all languages but English are mangled.",
    async run(context) {
      if (CHAT === undefined) return;
      const { place, text } = await readPlace(context, mode, NAME);
      if (place === NAME) return;
      const plain = await readPlace(context, mode, PLAIN_NAME);
      if (plain.place !== PLAIN_NAME) {
        throw new Inconclusive(
          "nothing constrains the output, which chat.format.json-schema judges",
          OWNERS.schemaFits,
        );
      }
      expectThat(false, { observer: "wire", expected: NAME, actual: text });
    },
  }),
  defineCheck({
    ...GENERAL,
    id: `completions.invariants.unicode-${mode}`,
    area: "completions",
    operation: "createCompletion",
    level: "must",
    requirement: `A prompt beyond ASCII is echoed in ${mode === "stream" ? "a stream" : "an answer"} as it was sent.`,
    reference: "RFC 8259 section 8.1; OpenAPI CreateCompletionRequest.echo",
    breaks: "Names, quotations and all languages but English are mangled.",
    async run(context) {
      if (TEXT === undefined) return;
      const prompt = `${NAME}: "Yes",\nand`;
      const fields = { prompt, echo: true };
      const exchange = await send(context, TEXT, { mode, fields });
      throwIfUnsupported(exchange, "echo");
      const { text } = await read(context, TEXT, { mode, exchange });
      await requireEcho(context, mode);
      expectThat(text.includes(prompt), { observer: "wire", expected: prompt, actual: text });
    },
  }),
]);

/** That a prompt in ASCII is echoed. @throws Inconclusive */
async function requireEcho(context: CheckContext, mode: AnswerMode): Promise<void> {
  if (TEXT === undefined) return;
  const { text } = await ask(context, TEXT, { mode, fields: { prompt: "The sea and", echo: true } });
  if (text.includes("The sea and")) return;
  throw new Inconclusive(
    "`echo` is ignored, which completions.echo.prompt-first and .stream-says-the-same judge",
    OWNERS.textEchoes,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const embeddingCheck = defineCheck({
  id: "embeddings.invariants.unicode",
  area: "embeddings",
  level: "must",
  tier: "protocol",
  operation: "createEmbedding",
  needs: ["model:embedding"],
  requirement: "Texts beyond ASCII that differ have embeddings that differ.",
  reference: "OpenAPI CreateEmbeddingRequest.input; RFC 8259 section 8.1",
  breaks: "Every text in another alphabet is found by every search in it.",
  async run(context) {
    if (EMBEDDING === undefined) return;
    const exchange = await sendPlain(context, EMBEDDING, { mode: "body", fields: { input: ["東京", "大阪"] } });
    if (exchange.response?.status !== 200) {
      const plain = await sendPlain(context, EMBEDDING, { mode: "body", fields: { input: ["Rain", "Snow"] } });
      requireStatus(plain, 200);
    }
    expectStatus(exchange, 200);
    const { body } = readAnswer(exchange);
    const [one, other] = objectsOf(isJsonObject(body) ? body["data"] : []).map(({ embedding }) =>
      readVector(embedding),
    );
    const differs = JSON.stringify(one) !== JSON.stringify(other);
    expectThat(differs, { observer: "wire", expected: "two vectors", actual: "the same vector twice" });
  },
});

/** Options whose effect a stream has to show as the answer does; the same text where nothing is left to chance. */
const PLAIN: JsonObject = {};
const OPTIONS: readonly JsonObject[] = [PLAIN, { max_tokens: 5 }, { n: 2 }, { logit_bias: {} }];
/** Of these only the number of calls is compared: a model may choose another tool each time. */
const CALLED: readonly JsonObject[] = [
  FORCED,
  {
    tools: [...FORCED.tools, ...OTHER_FORCED.tools],
    messages: [userMessage("Call file_report and call close_gate now, each of them once.")],
    tool_choice: "required",
    parallel_tool_calls: false,
    max_tokens: 128,
  },
];
const FIXED = { temperature: 0, seed: 7, max_tokens: 10 };

/** @throws Failure, Inconclusive */
async function expectSame(context: CheckContext, request: PlainRequest, capped: JsonObject): Promise<void> {
  const plain = await ask(context, request, { mode: "body", fields: FIXED });
  const again = await ask(context, request, { mode: "body", fields: FIXED });
  if (plain.text !== again.text) throw new Inconclusive("the same request gets two answers", "model");
  // Where it is missing anyway, what else there is can still be compared.
  let hasUsage = true;
  // The second word, so that it is found in the middle.
  const stop = plain.text.trim().split(/\s+/)[2];
  for (const option of [...OPTIONS, capped, ...(stop === undefined ? [] : [{ stop }, { stop: [stop] }])]) {
    const fields = { ...FIXED, ...option };
    const exchange = await send(context, request, { mode: "body", fields });
    if (exchange.response?.status !== 200) continue;
    const answer = await read(context, request, { mode: "body", exchange });
    const stream = await ask(context, request, { mode: "stream", fields, mustStream: true });
    const both = [answer, stream];
    if (option === PLAIN) hasUsage = both.every(({ usage }) => Object.keys(usage).length > 0);
    const isEnded = both.every(({ reason }) => reason !== undefined);
    const [expected, actual] = both.map(({ text, reason, usage }) =>
      [JSON.stringify(option), text, isEnded ? reason : "", hasUsage ? describeUsage(usage) : ""].join(" "),
    );
    expectThat(actual === expected, { observer: "wire", expected: expected ?? "", actual });
  }
  const owners = request.slug === "chat" ? OWNERS.bothUsages : OWNERS.bothTextUsages;
  if (!hasUsage) throw new Inconclusive(`no usage to compare, which ${owners.ids.join(", ")} judge`, owners);
}

/** @throws Failure, Inconclusive, Unsupported */
async function expectSameCalls(context: CheckContext, request: PlainRequest): Promise<void> {
  for (const option of CALLED) {
    const fields = { ...FIXED, ...option };
    const exchange = await send(context, request, { mode: "body", fields });
    if (exchange.response?.status !== 200) continue;
    const { calls: expected } = await read(context, request, { mode: "body", exchange });
    const { calls: actual } = await ask(context, request, { mode: "stream", fields, mustStream: true });
    const words = (count: number): string => `${count} calls for ${JSON.stringify(option)}`;
    expectThat(actual === expected, { observer: "wire", expected: words(expected), actual: words(actual) });
  }
}

function defineSameCheck(request: PlainRequest | undefined, area: "chat" | "completions"): Check {
  const operation = area === "chat" ? "createChatCompletion" : "createCompletion";
  const capped = area === "chat" ? { max_tokens: undefined, max_completion_tokens: 5 } : { echo: true };
  return defineCheck({
    ...GENERAL,
    id: `${area}.invariants.stream-says-the-same`,
    area,
    operation,
    level: "must",
    requirement: "A stream says, counts and ends as the answer to the same request does, with every option.",
    reference: `OpenAPI ${operation}.stream, ChatCompletionStreamOptions.include_usage`,
    breaks: "What works in a test fails in the product, which streams; and a stream is billed otherwise.",
    async run(context) {
      if (request === undefined) return;
      await expectSame(context, request, capped);
      if (area === "chat") await expectSameCalls(context, request);
    },
  });
}

function describeUsage({ prompt_tokens: input, completion_tokens: output, total_tokens: total }: JsonObject): string {
  return JSON.stringify([input, output, total]);
}

const SUFFIX = "and so the long count came to its end at one hundred.";

/** @throws Failure where a suffix is taken and does not reach the model */
async function expectSuffix(context: CheckContext, mode: AnswerMode, choices: JsonObject): Promise<void> {
  if (TEXT === undefined) return;
  const { usage } = await ask(context, TEXT, { mode, fields: choices });
  const fields = { ...choices, suffix: SUFFIX };
  const exchange = await send(context, TEXT, { mode, fields });
  if (exchange.response?.status !== 200) return;
  const filled = (await read(context, TEXT, { mode, exchange })).usage;
  const [fewer, more] = [usage["prompt_tokens"], filled["prompt_tokens"]].map(Number);
  const actual = `${fewer} tokens of the prompt without, ${more} with ${JSON.stringify(fields)}`;
  expectThat(!(Number(more) <= Number(fewer)), { observer: "wire", expected: "more tokens, or a refusal", actual });
}

const suffixCheck = defineCheck({
  ...GENERAL,
  id: "completions.invariants.suffix",
  area: "completions",
  operation: "createCompletion",
  level: "should",
  requirement: "`suffix` adds to the tokens of the prompt or is refused, streamed or not, for any number of choices.",
  reference: "OpenAPI CreateCompletionRequest.suffix, CompletionUsage.prompt_tokens",
  breaks: "Editors insert code that does not fit what follows, and cannot know why.",
  async run(context) {
    for (const mode of MODES) {
      for (const choices of [{}, { n: 2 }]) await expectSuffix(context, mode, choices);
    }
  },
});

export const wholeRequestChecks: readonly Check[] = [
  suffixCheck,
  ...conversationChecks,
  ...unicodeChecks,
  embeddingCheck,
  defineSameCheck(CHAT, "chat"),
  defineSameCheck(TEXT, "completions"),
];
