/** Checks that a seed means the same wherever it is taken: in an answer and in a stream, for one choice and for several. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectThat, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { PLAIN_REQUESTS, type PlainRequest, sendPlain } from "../support/plain-requests.ts";
import { type Asked, askChoices } from "./several-choices.ts";

/** So high that two samples are the same text only where nothing is sampled. */
const HOT = { temperature: 1.9, max_tokens: 8 };

/** The texts of all choices; null where the server does not take the options together. */
async function sample(asked: Asked, seed: number, count: number): Promise<string | null> {
  const answer = await askChoices(asked, { ...HOT, seed }, count);
  return answer === null ? null : JSON.stringify(answer.choices.map(({ text }) => text));
}

async function expectSeeded(asked: Asked, count: number): Promise<void> {
  const first = await sample(asked, 7, count);
  if (first === null) return;
  if (first === (await sample(asked, 8, count))) throw new Inconclusive("two seeds give the same text", "model");
  const again = await sample(asked, 7, count);
  const actual = `${again} for ${count} in a ${asked.mode === "stream" ? "stream" : "answer"}`;
  expectThat(again === first, { observer: "wire", expected: first, actual });
}

function defineSeedCheck(request: PlainRequest): Check {
  const { operation, slug, area, needs } = request;
  return defineCheck({
    id: `${area}.invariants.seeds`,
    area,
    level: "may",
    tier: "forced",
    operation,
    needs,
    requirement: `The same seed of a ${slug} request gives the same texts, streamed or not, for any number of choices.`,
    reference: `OpenAPI ${operation}.seed (best effort)`,
    breaks: "An answer that went wrong can't be looked at again.",
    async run(context: CheckContext) {
      await requireOffered(context, operation);
      throwIfUnsupported(await sendPlain(context, request, { mode: "body", fields: { seed: 7, ...HOT } }), "seed");
      for (const mode of ["body", "stream"] as const) {
        for (const count of [1, 2]) await expectSeeded({ context, request, mode }, count);
      }
    },
  });
}

export const seedChecks: readonly Check[] = PLAIN_REQUESTS.filter(({ slug }) =>
  /^(?:chat|completions)$/.test(slug),
).map(defineSeedCheck);
