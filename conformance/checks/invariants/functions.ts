/**
 * Checks of `functions`, which tools have replaced: a server that takes them calls them, in an answer and in a stream,
 * for one choice and for several; another one refuses them by name.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectStatus, expectThat, isJsonObject, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { groupBy } from "../../src/group-by.ts";
import { userMessage } from "../support/chat-calls.ts";
import { type AnswerMode, PLAIN_REQUESTS, sendPlain } from "../support/plain-requests.ts";
import { joinTexts, objectsOf, readAnswer, readStream } from "./flaws.ts";
import { FORCED } from "./variants.ts";

const MODES: readonly AnswerMode[] = ["body", "stream"];
const NAME = "file_report";
const FUNCTIONS = { functions: FORCED.tools.map((tool) => tool.function), max_tokens: 128 };
const [CHAT] = PLAIN_REQUESTS;

interface Called {
  readonly name: string;
  readonly text: string;
  readonly reason: unknown;
}

/** The call of each choice; the name is empty where none is called. @throws Failure, Unsupported */
async function callEach(context: CheckContext, mode: AnswerMode, fields: JsonObject): Promise<readonly Called[]> {
  if (CHAT === undefined) return [];
  const exchange = await sendPlain(context, CHAT, { mode, fields: { ...FUNCTIONS, ...fields } });
  throwIfUnsupported(exchange, "functions", "function_call", "stream", "max_tokens", ...("n" in fields ? ["n"] : []));
  expectStatus(exchange, 200);
  const { body } = mode === "stream" ? { body: null } : readAnswer(exchange);
  const parts = mode === "stream" ? readStream(exchange, true).events : [isJsonObject(body) ? body : {}];
  const pieces = parts.flatMap(({ choices }) => objectsOf(choices));
  return [...groupBy(pieces, ({ index }) => index).values()].map(readCall);
}

function readCall(pieces: readonly JsonObject[]): Called {
  const calls = pieces
    .flatMap(({ message, delta }) => [message, delta].filter(isJsonObject))
    .map(({ function_call: call }) => call)
    .filter(isJsonObject);
  return {
    name: joinTexts(calls.map(({ name }) => name)),
    text: joinTexts(calls.map((call) => call["arguments"])),
    reason: pieces.map((piece) => piece["finish_reason"]).find((reason) => (reason ?? null) !== null),
  };
}

function isReport({ name, text, reason }: Called): boolean {
  if (reason === "length") return true;
  try {
    const value: unknown = JSON.parse(text);
    return name === NAME && isJsonObject(value);
  } catch {
    return false;
  }
}

function defineFunctionsCheck(mode: AnswerMode): Check {
  return defineCheck({
    id: `chat.invariants.functions-${mode}`,
    area: "chat",
    level: "should",
    tier: "forced",
    operation: "createChatCompletion",
    needs: ["model:chat"],
    requirement: `A function that \`function_call\` names is called in ${mode === "stream" ? "a stream" : "an answer"}, and none where it is "none"; or both are refused by name.`,
    reference: "OpenAPI CreateChatCompletionRequest.functions, .function_call (deprecated, not removed)",
    breaks: "Programs from before tools get prose instead of a call, and nothing says that it was never asked for.",
    async run(context) {
      for (const several of [{}, { n: 2 }]) {
        const called = await callEach(context, mode, { ...several, function_call: { name: NAME } });
        const actual = JSON.stringify(called);
        const expected = `a call of ${NAME} in each choice, or a refusal by name`;
        expectThat(called.length > 0 && called.every(isReport), { observer: "wire", expected, actual });
        const messages = [userMessage(`Call ${NAME}, please.`)];
        const none = await callEach(context, mode, { ...several, messages, function_call: "none" });
        const isSilent = none.every(({ name }) => name === "");
        expectThat(isSilent, { observer: "wire", expected: "no call", actual: JSON.stringify(none) });
      }
    },
  });
}

export const functionChecks: readonly Check[] = MODES.map(defineFunctionsCheck);
