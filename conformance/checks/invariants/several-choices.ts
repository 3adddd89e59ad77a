/**
 * Checks that an option means the same for each of several choices, streamed or not. What is looked at is forced by the
 * server, so that no model can get it wrong; the rows that need a repeatable text step aside without one.
 */

import { groupBy } from "../../src/group-by.ts";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectStatus, expectThat, isJsonObject, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive, Unsupported } from "../../src/outcome-signals.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { type AnswerMode, PLAIN_REQUESTS, type PlainRequest, sendPlain } from "../support/plain-requests.ts";
import { objectsOf, readAnswer, readStream, joinTexts } from "./flaws.ts";
import { FORCED, USAGE } from "./variants.ts";
import { OWNERS } from "../support/owners.ts";

interface Choice {
  readonly text: string;
  readonly calls: readonly string[];
  readonly reason: unknown;
}

interface Answer {
  readonly choices: readonly Choice[];
  readonly usage: JsonObject;
}

const MODES: readonly AnswerMode[] = ["body", "stream"];
/** Who judges that there are several. */
const CHOICES_OWNERS = {
  chat: { body: OWNERS.chatChoices, stream: OWNERS.streamChoices },
  completions: { body: OWNERS.textChoices, stream: OWNERS.textStreamChoices },
} as const;
const SEVERAL = 2;
const GREEDY: JsonObject = { temperature: 0, seed: 7, max_tokens: 8 };

export interface Asked {
  readonly context: CheckContext;
  readonly request: PlainRequest;
  readonly mode: AnswerMode;
}

/** The choices of an answer; null where the server does not take the options together, or gives fewer choices. */
export async function askChoices(
  { context, request, mode }: Asked,
  fields: JsonObject,
  count: number,
): Promise<Answer | null> {
  const options = { ...(mode === "stream" ? USAGE : {}), ...(count > 1 ? { n: count } : {}) };
  const exchange = await sendPlain(context, request, { mode, fields: { ...options, ...fields } });
  if (exchange.response?.status !== 200) return null;
  const { body } = mode === "stream" ? { body: null } : readAnswer(exchange);
  const parts = mode === "stream" ? readStream(exchange, true).events : [isJsonObject(body) ? body : {}];
  const pieces = parts.flatMap(({ choices }) => objectsOf(choices));
  const choices = [...groupBy(pieces, ({ index }) => index).values()].map(readChoice);
  const usage = parts.map((part) => part["usage"]).findLast(isJsonObject) ?? {};
  return choices.length === count ? { choices, usage } : null;
}

function readChoice(pieces: readonly JsonObject[]): Choice {
  const spoken = pieces.map(({ message, delta, text }) =>
    isJsonObject(message) ? message : isJsonObject(delta) ? delta : { content: text },
  );
  const calls = spoken
    .flatMap(({ tool_calls: given }) => objectsOf(given))
    .flatMap(({ function: called }) => (isJsonObject(called) ? called["name"] : []));
  return {
    text: joinTexts(spoken.map(({ content }) => content)),
    calls: calls.filter((name) => typeof name === "string"),
    reason: pieces.map((piece) => piece["finish_reason"]).find((reason) => (reason ?? null) !== null),
  };
}

interface Row {
  readonly option: string;
  /** Null where the plain text gives nothing to ask with. */
  readonly fields: (plain: Answer) => JsonObject | null;
  readonly holds: (choice: Choice, answer: Answer, fields: JsonObject) => boolean;
  readonly expected: string;
}

/** A word that stands in the middle of each of the texts: none where they are not the same. */
function findStop({ choices }: Answer): string | undefined {
  const [one, other] = choices.map(({ text }) => text);
  const stop = one
    ?.slice(one.length >> 1)
    .trim()
    .match(/\S{2,}/)?.[0];
  return stop !== undefined && one === other ? stop : undefined;
}

const FEW_TOKENS = 2;
/** Some servers count the token that ends a text. */
const withinLimit = ({ usage, choices }: Answer): boolean =>
  Number(usage["completion_tokens"]) <= choices.length * (FEW_TOKENS + 1);

const LIMIT_ROWS: readonly Row[] = [
  {
    option: "stop",
    fields: (plain) => {
      const stop = findStop(plain);
      return stop === undefined ? null : { ...GREEDY, stop };
    },
    holds: ({ text }, _, { stop }) => !text.includes(String(stop)),
    expected: "a text that ends before the stop sequence",
  },
  {
    option: "max_tokens",
    fields: () => ({ ...GREEDY, max_tokens: FEW_TOKENS }),
    holds: (_, answer) => withinLimit(answer),
    expected: `at most ${FEW_TOKENS} tokens of each choice`,
  },
];

const LOT_FORMAT = {
  type: "json_schema",
  json_schema: {
    name: "lot",
    strict: true,
    schema: {
      type: "object",
      properties: { lot: { type: "string", enum: ["zq-7301"] } },
      required: ["lot"],
      additionalProperties: false,
    },
  },
};

const NAMING = { messages: [{ role: "user", content: "Call file_report, please." }] };

const ROWS: Readonly<Record<string, readonly Row[]>> = {
  chat: [
    ...LIMIT_ROWS,
    {
      option: "max_completion_tokens",
      fields: () => ({ ...GREEDY, max_tokens: undefined, max_completion_tokens: FEW_TOKENS }),
      holds: (_, answer) => withinLimit(answer),
      expected: `at most ${FEW_TOKENS} tokens of each choice`,
    },
    {
      option: "response_format",
      fields: () => ({ response_format: LOT_FORMAT, max_tokens: 128 }),
      holds: ({ text, reason }) => reason === "length" || isLot(text),
      expected: 'the JSON {"lot":"zq-7301"}',
    },
    {
      option: "tools",
      fields: () => FORCED,
      holds: ({ calls, reason }) => reason === "length" || calls.includes("file_report"),
      expected: "a call of the tool that is forced",
    },
    {
      option: "tool_choice",
      fields: () => ({ ...FORCED, ...NAMING, tool_choice: "none", max_tokens: 16 }),
      holds: ({ calls }) => calls.length === 0,
      expected: "no call",
    },
    {
      option: "parallel_tool_calls",
      fields: () => ({
        tools: ["file_report", "close_gate"].map((name) => ({ type: "function", function: { name } })),
        messages: [{ role: "user", content: "Call file_report and close_gate, please." }],
        tool_choice: "required",
        parallel_tool_calls: false,
        max_tokens: 128,
      }),
      holds: ({ calls }) => calls.length <= 1,
      expected: "one call at most",
    },
  ],
  completions: [
    ...LIMIT_ROWS,
    {
      option: "echo",
      fields: () => ({ ...GREEDY, prompt: "The sea is wide and", echo: true, max_tokens: FEW_TOKENS }),
      holds: ({ text }) => text.trimStart().startsWith("The sea is wide and"),
      expected: "the prompt before the text",
    },
  ],
};

function isLot(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) && value["lot"] === "zq-7301";
  } catch {
    return false;
  }
}

/** A server may say that it has this for one choice alone. @throws Failure for any other refusal */
async function expectTaken({ context, request, mode }: Asked, { option }: Row, fields: JsonObject): Promise<void> {
  const exchange = await sendPlain(context, request, { mode, fields: { ...fields, n: SEVERAL } });
  try {
    throwIfUnsupported(exchange, "n", option);
    expectStatus(exchange, 200);
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
  }
}

/** @throws Failure where an option that holds for one choice does not for several */
async function expectRow(asked: Asked, row: Row, fields: JsonObject): Promise<void> {
  const findWrong = (answer: Answer): Choice | undefined =>
    answer.choices.find((choice) => !row.holds(choice, answer, fields));
  // What a server lacks, or does not honour at all, other checks judge.
  const one = await askChoices(asked, fields, 1);
  if (one === null || findWrong(one) !== undefined) return;
  const several = await askChoices(asked, fields, SEVERAL);
  if (several === null) return expectTaken(asked, row, fields);
  const wrong = findWrong(several);
  const expected = `${row.option} with n: ${SEVERAL}: ${row.expected}`;
  expectThat(wrong === undefined, { observer: "wire", expected, actual: JSON.stringify(wrong) });
}

function defineSeveralCheck(request: PlainRequest, mode: AnswerMode): Check {
  const { operation, slug, area, needs } = request;
  return defineCheck({
    id: `${area}.invariants.several-choices-${mode}`,
    area,
    level: "must",
    tier: "forced",
    operation,
    needs,
    requirement: `Each of several choices of ${mode === "stream" ? "a stream" : "an answer"} honours stop, limits, formats and tools as one does.`,
    reference: `OpenAPI ${operation}.n: how many choices to generate for each input, with the same parameters`,
    breaks: "Best-of-n and self-consistency get texts that run on, prose where JSON was forced, or no call.",
    async run(context) {
      await requireOffered(context, operation);
      throwIfUnsupported(await sendPlain(context, request, { mode, fields: { n: SEVERAL } }), "n", "stream");
      const asked = { context, request, mode };
      const plain = await askChoices(asked, GREEDY, SEVERAL);
      if (plain === null)
        throw new Inconclusive(
          `there are not ${SEVERAL} choices`,
          CHOICES_OWNERS[area === "chat" ? "chat" : "completions"][mode],
        );
      for (const row of ROWS[slug] ?? []) {
        const fields = row.fields(plain);
        if (fields !== null) await expectRow(asked, row, fields);
      }
    },
  });
}

export const severalChoicesChecks: readonly Check[] = PLAIN_REQUESTS.filter(({ slug }) => slug in ROWS).flatMap(
  (request) => MODES.map((mode) => defineSeveralCheck(request, mode)),
);
