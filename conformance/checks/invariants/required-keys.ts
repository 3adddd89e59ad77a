/**
 * Checks that an answer has each key that the document requires, null where it says nothing. Most clients do without
 * some of them, so that nothing more than a note is made of it; whatever breaks a client is judged by other checks.
 */

import {
  createChatCompletionResponseSchema,
  createChatCompletionStreamResponseSchema,
  createCompletionResponseSchema,
  createCompletionStreamResponseSchema,
  validateShape,
} from "@openai-compat/spec";
import type { z } from "zod";
import { type Check, defineCheck } from "../../src/check.ts";
import { assume, expectStatus, expectThat, isJsonObject } from "../../src/expect.ts";
import { requireOffered } from "../support/operation-probes.ts";
import type { Answered } from "./answered.ts";
import { ANSWERED } from "./answers.ts";
import { readAnswer, readStream } from "./flaws.ts";
import { answerOwners } from "../support/owners.ts";

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  chat: createChatCompletionResponseSchema,
  "chat-stream": createChatCompletionStreamResponseSchema,
  completions: createCompletionResponseSchema,
  "completions-stream": createCompletionStreamResponseSchema,
};

/** Requests whose answers have everything: a text, and its log probabilities. */
const OPTIONS: Readonly<Record<string, object>> = {
  chat: { logprobs: true, top_logprobs: 1 },
  "chat-stream": { logprobs: true, top_logprobs: 1 },
  completions: { logprobs: 1 },
  "completions-stream": { logprobs: 1 },
};

function defineKeysCheck({ slug, area, operation, needs, send, variants }: Answered, schema: z.ZodType): Check {
  return defineCheck({
    id: `${area}.invariants.${slug}-keys`,
    area,
    level: "may",
    tier: "protocol",
    operation,
    needs,
    requirement: `Each key that the document requires of ${slug} answers is there, null where it says nothing.`,
    reference: `OpenAPI ${operation}: required`,
    breaks:
      "Strict clients generated from the document reject the answer. OpenAI itself leaves such keys out at times.",
    async run(context) {
      for (const options of [{}, OPTIONS[slug]]) {
        const exchange = await send(context, { ...variants[0], ...options });
        // A server may have no log probabilities.
        if (options === OPTIONS[slug] && exchange.response?.status !== 200) continue;
        if (exchange.response?.status !== 200) await requireOffered(context, operation);
        assume("a plain request is answered", answerOwners(exchange), () => expectStatus(exchange, 200));
        const { body } = slug.endsWith("-stream") ? { body: null } : readAnswer(exchange);
        const parts = slug.endsWith("-stream") ? readStream(exchange, true).events : [isJsonObject(body) ? body : {}];
        const missing = parts
          .flatMap((part) => validateShape(schema, part))
          .find(({ message }) => message.includes("undefined"));
        expectThat(missing === undefined, { observer: "schema", expected: "each required key", actual: missing?.path });
      }
    },
  });
}

export const requiredKeyChecks: readonly Check[] = ANSWERED.flatMap((answered) => {
  const schema = SCHEMAS[answered.slug];
  return schema === undefined ? [] : [defineKeysCheck(answered, schema)];
});
