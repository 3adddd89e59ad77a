/**
 * Checks that each documented parameter of each request is taken, for an answer and for a stream: with its default, which
 * no server has a reason to refuse, and with other documented values, which one may refuse by name.
 */

import { operations } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { assume, expectJsonObject, expectStatus, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { type AnswerMode, listModes, PLAIN_REQUESTS, type PlainRequest, sendPlain } from "../support/plain-requests.ts";
import { throwIfModelRefused } from "../support/refused-models.ts";
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
    throwIfModelRefused(plain);
    assume(`a plain ${mode === "stream" ? "stream" : "request"} is answered`, answerOwners(plain), () =>
      expectStatus(plain, 200),
    );
  }
  expectStatus(exchange, 200);
}

/** Without one a model writes as much as it likes. */
const BOUNDS: readonly string[] = ["max_tokens", "max_output_tokens"];
/** Parameters in one request. */
const TOGETHER = 6;

/** A value of a parameter: which one of which list. */
interface Place {
  readonly parameter: string;
  readonly kind: "defaults" | "others";
  readonly turn: number;
}

/** The value, and those at the same place of the parameters next to it, but for those that change what another means. */
function joinValues({ request, mode }: Asked, { parameter, kind, turn }: Place): JsonObject {
  const all = Object.entries(LEGAL_VALUES[request.slug] ?? {});
  const linked = new Set(
    all.flatMap(([name, { beside }]) => (beside === undefined ? [] : [name, ...Object.keys(beside)])),
  );
  const own = all.findIndex(([name]) => name === parameter);
  const first = own - (own % TOGETHER);
  const joined = all
    .slice(first, first + TOGETHER)
    .flatMap(([name, { mode: only = mode, level, [kind]: list = [] }]) => {
      const isFree = !BOUNDS.includes(name) && (kind === "defaults" || !linked.has(name));
      const isOfKind = only === mode && level === all[own]?.[1].level && turn < list.length;
      return isFree && isOfKind ? [[name, list[turn]]] : [];
    });
  return Object.fromEntries(joined);
}

/**
 * Whether the value is taken in one request with others. A server that takes them together takes each of them, and the
 * checks of all of them share the answer; where it refuses, each check asks with its own value.
 */
async function isTakenTogether(asked: Asked, place: Place): Promise<boolean> {
  const joined = joinValues(asked, place);
  if (!(place.parameter in joined)) return false;
  const { response } = await sendPlain(asked.context, asked.request, { mode: asked.mode, fields: joined });
  return response?.status === 200;
}

/** Without a bound a model may write to the end of its context, for minutes. */
async function isTakenBounded({ context, request, mode }: Asked, fields: JsonObject, { bound }: LegalValues) {
  if (bound === undefined) return false;
  const { response } = await sendPlain(context, request, { mode, fields: { ...bound, ...fields } });
  return response?.status === 200;
}

async function expectValuesTaken(asked: Asked, parameter: string, values: LegalValues): Promise<void> {
  const { context, request, mode } = asked;
  const send = (fields: JsonObject): Promise<Exchange> => sendPlain(context, request, { mode, fields });
  for (const [turn, value] of (values.defaults ?? []).entries()) {
    if (await isTakenTogether(asked, { parameter, kind: "defaults", turn })) continue;
    if (await isTakenBounded(asked, { [parameter]: value }, values)) continue;
    await expectTaken(asked, await send({ [parameter]: value }));
  }
  const expectOther = async (value: unknown): Promise<void> => {
    const exchange = await send({ ...values.beside, [parameter]: value });
    throwIfUnsupported(exchange, parameter, ...Object.keys(values.beside ?? {}));
    await expectTaken(asked, exchange);
  };
  for (const [turn, value] of (values.others ?? []).entries()) {
    if (!(await isTakenTogether(asked, { parameter, kind: "others", turn }))) await expectOther(value);
  }
  for (const value of await learnValues(asked, values)) await expectOther(value);
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
