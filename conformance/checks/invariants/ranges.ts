/**
 * Checks that a value outside its documented range is refused wherever the parameter is taken: in an answer and in a
 * stream, for one choice and for several. A server that looks at it in one of its ways alone takes it in the others.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectResponse, expectStatus, expectThat, type JsonObject } from "../../src/expect.ts";
import { requireError } from "../support/envelope.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { type AnswerMode, listModes, PLAIN_REQUESTS, type PlainRequest, sendPlain } from "../support/plain-requests.ts";

const SAMPLING: readonly JsonObject[] = [
  { temperature: 2.5 },
  { top_p: 1.5 },
  { presence_penalty: 2.5 },
  { frequency_penalty: -2.5 },
  { logit_bias: { "1000": 101 } },
  { n: 0 },
  { max_tokens: -1 },
  { stop: ["1", "2", "3", "4", "5"] },
];

const OUT_OF_RANGE: Readonly<Record<string, readonly JsonObject[]>> = {
  chat: [
    ...SAMPLING,
    { max_tokens: undefined, max_completion_tokens: -1 },
    { logprobs: true, top_logprobs: 21 },
    { top_logprobs: 2 },
    { response_format: { type: "conformance" } },
    { tool_choice: "conformance", tools: [{ type: "function", function: { name: "file_report" } }] },
  ],
  completions: [...SAMPLING, { logprobs: 1_000_000 }, { best_of: 21 }, { best_of: 1, n: 2 }],
  embeddings: [{ encoding_format: "conformance" }, { dimensions: 0 }],
  responses: [
    { temperature: 2.5 },
    { top_p: 1.5 },
    { top_logprobs: 21, include: ["message.output_text.logprobs"] },
    { max_output_tokens: 0 },
    { max_tool_calls: 0 },
    { truncation: "conformance" },
    { include: ["conformance"] },
    { reasoning: { effort: "conformance" } },
    { text: { format: { type: "conformance" } } },
    { tool_choice: "conformance", tools: [{ type: "function", name: "file_report", parameters: { type: "object" } }] },
    { input: [{ role: "conformance", content: "Say hello." }] },
  ],
};

/** Those whose requests ask for several choices. */
const HAS_CHOICES = ["chat", "completions"];

/** Of a stream alone. */
const OF_STREAM: readonly JsonObject[] = [{ stream_options: { include_usage: "conformance" } }];

interface Sent {
  readonly mode: AnswerMode;
  readonly fields: JsonObject;
}

function listSent(request: PlainRequest): readonly Sent[] {
  const values = OUT_OF_RANGE[request.slug] ?? [];
  return listModes(request).flatMap((mode) =>
    !HAS_CHOICES.includes(request.slug)
      ? values.map((fields) => ({ mode, fields }))
      : [
          ...[...values, ...(mode === "stream" ? OF_STREAM : [])].map((fields) => ({ mode, fields })),
          ...values.filter((fields) => !("n" in fields)).map((fields) => ({ mode, fields: { ...fields, n: 2 } })),
        ],
  );
}

/** Requests at once: they are refused before a model sees them. */
const CONCURRENCY = 4;

/** What of this is answered. @throws Failure for a rate limit that is none, NotTestable */
async function listTaken(context: CheckContext, request: PlainRequest): Promise<readonly string[]> {
  const taken: string[] = [];
  const queue = listSent(request).values();
  const work = async (): Promise<void> => {
    for (const sent of queue) {
      const exchange = await sendPlain(context, request, sent);
      const { status } = expectResponse(exchange);
      if (status === 429) expectStatus(exchange, 400);
      if (status < 400) taken.push(`${JSON.stringify(sent.fields)}${sent.mode === "stream" ? " in a stream" : ""}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return taken;
}

function defineRangeCheck(request: PlainRequest): Check {
  const { operation, slug, area, needs } = request;
  return defineCheck({
    id: `${area}.invariants.ranges`,
    area,
    level: "should",
    tier: "protocol",
    operation,
    needs,
    requirement: `A ${slug} parameter out of its documented range is refused, streamed or not, for any number of choices.`,
    reference: `OpenAPI ${operation}: minimum, maximum, maxItems and enum of its parameters`,
    breaks: "A mistake goes unnoticed: the caller believes that the value had its effect.",
    async run(context) {
      await requireOffered(context, operation);
      const taken = await listTaken(context, request);
      const actual = `${taken.length} are answered: ${taken.join(", ")}`;
      expectThat(taken.length === 0, { observer: "wire", expected: "4xx for each", actual });
    },
  });
}

/** Rows whose first parameter is to blame. */
const BLAMED_MAX = 3;

function defineBlameCheck(request: PlainRequest): Check {
  const { operation, slug, needs } = request;
  return defineCheck({
    id: `errors.invariants.${slug}-blame`,
    area: "errors",
    level: "should",
    tier: "protocol",
    operation,
    needs,
    requirement: `The refusal of a ${slug} parameter out of its range names that parameter.`,
    reference: "OpenAPI Error.param; openai-node core/error.ts APIError.param",
    breaks: "Programs that show a form can't say which of its fields is wrong.",
    async run(context) {
      await requireOffered(context, operation);
      for (const fields of (OUT_OF_RANGE[slug] ?? []).slice(0, BLAMED_MAX)) {
        const exchange = await sendPlain(context, request, { mode: "body", fields });
        // What is taken has a check of its own.
        if (expectResponse(exchange).status !== 400) continue;
        const { param } = requireError(exchange, 400);
        const [name = ""] = Object.keys(fields);
        const isNamed = param?.split(/[.[]/)[0] === name;
        expectThat(isNamed, { observer: "wire", expected: `param: ${name}`, actual: JSON.stringify(param) });
      }
    },
  });
}

const RANGED = PLAIN_REQUESTS.filter(({ slug }) => slug in OUT_OF_RANGE);

export const rangeChecks: readonly Check[] = [...RANGED.map(defineRangeCheck), ...RANGED.map(defineBlameCheck)];
