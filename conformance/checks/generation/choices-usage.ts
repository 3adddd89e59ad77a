/** Checks that the usage of several choices is that of all of them, streamed or not. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectThat, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import type { Owners } from "../../src/owners.ts";
import { LONG_PROMPT, userMessage } from "../support/chat-calls.ts";
import { OWNERS } from "../support/owners.ts";
import { type AnswerMode, PLAIN_REQUESTS, sendPlain } from "../support/plain-requests.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { type Asked, askChoices } from "../invariants/several-choices.ts";

const REFERENCES = {
  chat: "OpenAPI CreateChatCompletionRequest.n: charged for the tokens across all of the choices",
  completions: "OpenAPI CreateCompletionRequest.n: can quickly consume the token quota; CompletionUsage",
} as const;
const LIMIT = 12;
const CHOICES = 2;
/** Of each choice: some servers count the token that ends a text, and some cut half a character off. */
const FORGIVEN_TOKENS = 1;

interface Row {
  readonly area: "chat" | "completions";
  readonly operation: "createChatCompletion" | "createCompletion";
  readonly mode: AnswerMode;
  readonly choices: Owners;
  readonly usage: Owners;
}

const CHAT = { area: "chat", operation: "createChatCompletion" } as const;
const TEXT = { area: "completions", operation: "createCompletion" } as const;

const ROWS: readonly Row[] = [
  { ...CHAT, mode: "body", choices: OWNERS.chatChoices, usage: OWNERS.chatUsage },
  { ...CHAT, mode: "stream", choices: OWNERS.streamChoices, usage: OWNERS.streamUsage },
  { ...TEXT, mode: "body", choices: OWNERS.textChoices, usage: OWNERS.textUsage },
  { ...TEXT, mode: "stream", choices: OWNERS.textStreamChoices, usage: OWNERS.textStreamUsage },
];

/** How many tokens are counted where each choice has as many as it may have. @throws Unsupported, Inconclusive */
async function countTokens(context: CheckContext, { operation, mode, choices, usage }: Row): Promise<number> {
  const request = PLAIN_REQUESTS.find((one) => one.operation === operation);
  if (request === undefined) throw new TypeError(`There is no plain ${operation}.`);
  await requireOffered(context, operation);
  throwIfUnsupported(await sendPlain(context, request, { mode, fields: { n: CHOICES } }), "n", "stream");
  const asked: Asked = { context, request, mode };
  const long = operation === "createChatCompletion" ? { messages: [userMessage(LONG_PROMPT)] } : {};
  const answer = await askChoices(asked, { ...long, max_tokens: LIMIT }, CHOICES);
  if (answer === null) throw new Inconclusive(`there are not ${CHOICES} choices`, choices);
  if (answer.choices.some(({ reason }) => reason !== "length")) {
    throw new Inconclusive("a choice ended before the limit of its tokens", "model");
  }
  const { completion_tokens: tokens } = answer.usage;
  if (typeof tokens !== "number") throw new Inconclusive("completion_tokens is no number", usage);
  return tokens;
}

export const choicesUsageChecks: readonly Check[] = ROWS.map((row) =>
  defineCheck({
    id: `${row.area}.n.usage${row.mode === "stream" ? "-stream" : ""}`,
    area: row.area,
    operation: row.operation,
    level: "must",
    tier: "forced",
    needs: ["model:chat"],
    requirement: `\`usage.completion_tokens\` of ${row.mode === "stream" ? "a stream" : "an answer"} with \`n: 2\` counts both choices.`,
    reference: REFERENCES[row.area],
    breaks: "Best-of-n is billed, and kept to a budget, as one answer.",
    async run(context) {
      const tokens = await countTokens(context, row);
      const expected = `${CHOICES * LIMIT} tokens for ${CHOICES} choices of ${LIMIT}`;
      const holds = tokens >= CHOICES * (LIMIT - FORGIVEN_TOKENS);
      expectThat(holds, { observer: "wire", expected, actual: `${tokens}` });
    },
  }),
);
