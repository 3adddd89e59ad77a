/**
 * Checks that each documented parameter of each request is taken, for an answer and for a stream: with its default, which
 * no server has a reason to refuse, and with other documented values, which one may refuse by name.
 */

import { operations } from "@openai-compat/spec";
import { type Check, defineCheck, type Level } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { assume, expectJsonObject, expectStatus, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { type AnswerMode, listModes, PLAIN_REQUESTS, type PlainRequest, sendPlain } from "../support/plain-requests.ts";
import { LEGAL_VALUES, type LegalValues } from "../support/legal-values.ts";
import { answerOwners } from "../support/owners.ts";

interface Asked {
  readonly context: CheckContext;
  readonly request: PlainRequest;
  readonly mode: AnswerMode;
}

/** Status 200, where a plain request has it. @throws Failure, Inconclusive */
async function expectTaken(asked: Asked, exchange: Exchange): Promise<void> {
  if (exchange.response?.status !== 200) {
    const { context, request, mode } = asked;
    const plain = await sendPlain(context, request, { mode });
    assume(`a plain ${mode === "stream" ? "stream" : "request"} is answered`, answerOwners(plain), () =>
      expectStatus(plain, 200),
    );
  }
  expectStatus(exchange, 200);
}

/** Without one a model writes as much as it likes. */
const BOUNDS: readonly string[] = ["max_tokens", "max_output_tokens"];

/** The same default, the first or the second, of every parameter of the same level, as one request. */
function joinDefaults({ request, mode }: Asked, turn: number, level: Level): JsonObject {
  const parameters = Object.entries(LEGAL_VALUES[request.slug] ?? {});
  const joined = parameters.flatMap(([name, { defaults = [], mode: only = mode, level: own = "must" }]) =>
    !BOUNDS.includes(name) && only === mode && own === level && turn < defaults.length ? [[name, defaults[turn]]] : [],
  );
  return Object.fromEntries(joined);
}

/**
 * A server that takes the defaults of all parameters in one request takes each of them. The checks share its answer;
 * where it refuses, each asks with its own parameter.
 */
async function expectDefaultsTaken(asked: Asked, parameter: string, values: LegalValues): Promise<void> {
  const { context, request, mode } = asked;
  const { defaults = [], level = "must" } = values;
  for (const [turn, value] of defaults.entries()) {
    const joined = joinDefaults(asked, turn, level);
    const all = parameter in joined ? await sendPlain(context, request, { mode, fields: joined }) : null;
    if (all?.response?.status === 200) continue;
    await expectTaken(asked, await sendPlain(context, request, { mode, fields: { [parameter]: value } }));
  }
}

async function expectValuesTaken(asked: Asked, parameter: string, values: LegalValues): Promise<void> {
  const { context, request, mode } = asked;
  const send = (fields: JsonObject): Promise<Exchange> => sendPlain(context, request, { mode, fields });
  await expectDefaultsTaken(asked, parameter, values);
  for (const value of [...(values.others ?? []), ...(await learnValues(asked, values))]) {
    const exchange = await send({ ...values.beside, [parameter]: value });
    throwIfUnsupported(exchange, parameter, ...Object.keys(values.beside ?? {}));
    await expectTaken(asked, exchange);
  }
}

/** @throws Inconclusive where a plain request is not answered */
async function learnValues({ context, request }: Asked, { learn }: LegalValues): Promise<readonly unknown[]> {
  if (learn === undefined) return [];
  const plain = await sendPlain(context, request, { mode: "body" });
  return learn(assume("a plain request is answered with JSON", answerOwners(plain), () => expectJsonObject(plain)));
}

function defineLegalCheck(request: PlainRequest, parameter: string, values: LegalValues): Check {
  const { operation, slug, area, needs } = request;
  const modes = values.mode === undefined ? listModes(request) : [values.mode];
  const slugged = parameter.replaceAll("_", "-");
  return defineCheck({
    id: `errors.legal.${slug}.${slugged}`,
    area,
    level: values.level ?? "must",
    tier: "protocol",
    operation,
    needs,
    requirement: `\`${parameter}\` of ${operation} is taken with its default, and with other documented values or refused by name.`,
    reference: `OpenAPI ${operation}.${parameter}; ${operations[operation].path} in openai-node resources`,
    breaks: "Clients that write all parameters out, as most user interfaces and frameworks do, get no answer at all.",
    async run(context) {
      await requireOffered(context, operation);
      for (const mode of modes) await expectValuesTaken({ context, request, mode }, parameter, values);
    },
  });
}

export const legalRequestChecks: readonly Check[] = PLAIN_REQUESTS.flatMap((request) =>
  Object.entries(LEGAL_VALUES[request.slug] ?? {}).map(([parameter, values]) =>
    defineLegalCheck(request, parameter, values),
  ),
);
