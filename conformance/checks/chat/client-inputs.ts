/**
 * Checks of schemas and lists of tools as libraries and servers of MCP make them: all of them are accepted, and what
 * answers a strict one conforms to it.
 */

import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import {
  assume,
  expectJsonObject,
  expectStatus,
  expectThat,
  isJsonObject,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import type { Owners } from "../../src/owners.ts";
import { type ChatFields, composeChat, readChoice, userMessage } from "../support/chat-calls.ts";
import {
  breaksStrictRules,
  type ClientInput,
  findInput,
  INPUT_GROUPS,
  type InputGroup,
  listSchemas,
} from "../support/client-inputs.ts";
import { expectEnvelope, expectRefused } from "../support/envelope.ts";
import { type Basis, composeFormat, expectUpon, LOT_FORM, lotBasis } from "../support/formed-answers.ts";
import { expectFits, expectJsonText } from "../support/forms.ts";
import { answerOwners, OWNERS } from "../support/owners.ts";
import { forceTool, OFFER, REPORT } from "../support/tool-calls.ts";

const INPUTS = {
  area: "chat",
  level: "must",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

/** Whether it is accepted shows with the first token. */
const FEW_TOKENS = 1;
/** Enough for the smallest value of each schema; a model that writes more is cut, which is no fault. */
const ANSWER_TOKENS = 120;
/** Requests at once. */
const CONCURRENCY = 2;

function send(context: CheckContext, fields: ChatFields): Promise<Exchange> {
  const body = JSON.stringify(composeChat(context, fields));
  return context.wire({ method: "POST", path: "/chat/completions", body });
}

/** A slow model is asked for no more than begin in this time; any other for all. At least so many are asked for. */
const GROUP_MS_MAX = 2500;
const ASKED_MIN = 2;

/** Runs the first failing expectation's throw up; no more are begun then. */
async function eachOf<T>(items: readonly T[], judge: (item: T) => Promise<void>): Promise<void> {
  const queue = items.entries();
  const startedAt = performance.now();
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (index >= ASKED_MIN && performance.now() - startedAt > GROUP_MS_MAX) return;
      await judge(item);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
}

/** A target without tools, or without such formats, refuses all of them. @throws Unsupported, Inconclusive */
async function requireFeatures(context: CheckContext, inputs: readonly ClientInput[]): Promise<void> {
  const probes = [
    { name: "tools", fields: { ...OFFER, max_tokens: FEW_TOKENS } },
    { name: "response_format", fields: { ...composeFormat(LOT_FORM), max_tokens: FEW_TOKENS } },
  ];
  for (const { name, fields } of probes.filter((probe) => inputs.some((input) => probe.name in input.fields))) {
    const exchange = await send(context, fields);
    throwIfUnsupported(exchange, name);
    assume(`plain ${name} are accepted`, answerOwners(exchange), () => expectStatus(exchange, 200));
  }
}

function isTooLong(exchange: Exchange): boolean {
  return exchange.response?.status === 400 && /context_length_exceeded/.test(JSON.stringify(readBody(exchange)));
}

function readBody(exchange: Exchange): unknown {
  try {
    return expectJsonObject(exchange);
  } catch {
    return null;
  }
}

/** @throws Failure where what the document permits is refused */
function expectTaken(exchange: Exchange, input: ClientInput): void {
  if (exchange.response?.status === 200 || isTooLong(exchange)) return;
  const mayRefuse = listSchemas(input).some(({ schema, strict }) => strict && breaksStrictRules(schema));
  if (!mayRefuse) expectStatus(exchange, 200);
  expectRefused(exchange);
  expectEnvelope(exchange);
}

function defineAccepted({ group, packages, entries }: InputGroup): Check {
  return defineCheck({
    ...INPUTS,
    id: `chat.inputs.${group}`,
    tier: "protocol",
    requirement: `Each of ${entries.length} schemas and lists of tools that ${group} makes is accepted, unless the rules of the strict mode forbid it; a slow model is asked for fewer.`,
    reference: `OpenAPI FunctionParameters, ResponseFormatJsonSchema; OpenAI structured outputs: supported schemas; ${packages.join(", ")}`,
    breaks: "A program that works with OpenAI gets an error for what its library wrote.",
    async run(context) {
      await requireFeatures(context, entries);
      await eachOf(entries, async (input) => {
        expectTaken(await send(context, { ...input.fields, max_tokens: FEW_TOKENS }), input);
      });
    },
  });
}

/** With recursion, references, unions, nulls, enumerations, formats, bounds, long descriptions and other alphabets. */
const FORMATS = [
  ...["person", "event", "shape", "tree", "settings", "plan", "unicode", "matrix"].map((name) =>
    findInput("zod-4", name),
  ),
  ...["list", "twoAddresses", "zod3-reused"].map((name) => findInput("openai-node", name)),
  ...["Person", "LinkedList", "Pets"].map((name) => findInput("pydantic", name)),
];

const CALLS = [
  ...["tool-query", "tool-expression", "zod3-tool-nullable"].map((name) => findInput("openai-node", name)),
  ...["tool-Query", "tool-Address"].map((name) => findInput("pydantic", name)),
  findInput("openai-agents", "tool"),
];

/** @throws Failure */
function expectConforms(text: unknown, { schema }: { readonly schema: object }, exchange: Exchange): void {
  const { $schema: dialect, ...rules } = { $schema: undefined, ...schema };
  const options = { strict: false, allErrors: false };
  const ajv = /draft-0[47]/.test(String(dialect)) ? new Ajv(options) : new Ajv2020(options);
  addFormats.default(ajv);
  const validate = ajv.compile(rules);
  const value = parse(text);
  const holds = value !== undefined && validate(value);
  const why = ajv.errorsText(validate.errors);
  const actual = `${JSON.stringify(text)}: ${value === undefined ? "no JSON" : why}`;
  expectThat(holds, { observer: "schema", expected: "JSON that conforms to the schema", actual, exchange });
}

function parse(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

const PROMPT = { messages: [userMessage("Give a short example.")], temperature: 0, max_tokens: ANSWER_TOKENS };

/** The texts of an answer that was not cut: its content, or the arguments of its calls. @throws Failure, Inconclusive */
function readTexts(exchange: Exchange, owners: Owners): readonly unknown[] {
  assume("the request is accepted", owners, () => expectStatus(exchange, 200));
  const { message, finish_reason: reason } = readChoice(
    assume("a chat completion", answerOwners(exchange), () => expectJsonObject(exchange)),
  );
  if (reason === "length" || !isJsonObject(message)) return [];
  const { content, tool_calls: calls } = message;
  if (!Array.isArray(calls)) return [content];
  return calls
    .filter(isJsonObject)
    .flatMap(({ function: called }) => (isJsonObject(called) ? [called["arguments"]] : []));
}

function forceFirst({ fields }: ClientInput): ChatFields {
  const [tool] = Array.isArray(fields["tools"]) ? fields["tools"] : [];
  const { name } = isJsonObject(tool) && isJsonObject(tool["function"]) ? tool["function"] : {};
  return { ...fields, ...PROMPT, tool_choice: { type: "function", function: { name } } };
}

interface Answered {
  readonly id: string;
  readonly what: string;
  readonly inputs: readonly ClientInput[];
  readonly compose: (input: ClientInput) => ChatFields;
  /** That a plain one is followed. */
  readonly basis: (context: CheckContext) => Basis;
}

function callBasis(context: CheckContext): Basis {
  return {
    owners: OWNERS.callFits.merge(OWNERS.calledByName, OWNERS.callArguments),
    async hold() {
      const exchange = await send(context, forceTool(REPORT));
      const [text] = readTexts(exchange, answerOwners(exchange));
      expectFits(expectJsonText(String(text)), REPORT.form);
    },
  };
}

const ANSWERED: readonly Answered[] = [
  {
    id: "chat.inputs.answers-conform",
    what: "An answer to a strict schema",
    inputs: FORMATS,
    compose: ({ fields }) => ({ ...fields, ...PROMPT }),
    basis: lotBasis,
  },
  {
    id: "chat.inputs.calls-conform",
    what: "The arguments of a forced call of a strict tool",
    inputs: CALLS,
    compose: forceFirst,
    basis: callBasis,
  },
];

function defineConforming({ id, what, inputs, compose, basis }: Answered): Check {
  return defineCheck({
    ...INPUTS,
    id,
    tier: "forced",
    requirement: `${what} conforms to it, for ${inputs.length} as Zod and Pydantic make them.`,
    reference: "OpenAPI ResponseFormatJsonSchema.strict, FunctionObject.strict; OpenAI structured outputs",
    breaks: "`parse` of the SDKs throws, or the program gets a record with holes.",
    async run(context) {
      await requireFeatures(context, inputs);
      let whole = 0;
      await eachOf(inputs, async (input) => {
        const exchange = await send(context, compose(input));
        const [schema] = listSchemas(input);
        if (schema === undefined) return;
        for (const text of readTexts(exchange, OWNERS.clientInputs)) {
          await expectUpon(basis(context), () => expectConforms(text, schema, exchange));
          whole += 1;
        }
      });
      if (whole === 0) throw new Inconclusive("the model writes more than it may for each of them", "model");
    },
  });
}

export const clientInputChecks: readonly Check[] = [
  ...INPUT_GROUPS.map(defineAccepted),
  ...ANSWERED.map(defineConforming),
];
