/**
 * Checks that send every parameter of the forms that transcribe and translate: documented values, which are taken or
 * refused by name, and values that are none, which give no server error. Several go out together; what is refused by
 * name is left out of the next request, until the rest is answered.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, expectStatus, expectThat, throwIfUnsupported } from "../../src/expect.ts";
import { Unsupported } from "../../src/outcome-signals.ts";
import { describeExchange } from "../../src/response-body.ts";
import { requireStatus } from "../support/envelope.ts";
import type { FormPart } from "../support/multipart.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { composeSilence } from "../support/silence.ts";
import { sendTranscript, type TranscriptEndpoint, TRANSCRIPT_ENDPOINTS } from "../support/transcript-calls.ts";

interface Mode {
  readonly slug: string;
  readonly endpoint: TranscriptEndpoint;
  readonly isStreamed: boolean;
}

const MODES: readonly Mode[] = TRANSCRIPT_ENDPOINTS.flatMap((endpoint) => [
  { slug: endpoint.slug, endpoint, isStreamed: false },
  ...(endpoint.slug === "transcriptions" ? [{ slug: `${endpoint.slug}-stream`, endpoint, isStreamed: true }] : []),
]);

/** What the model hears matters to none of these. */
const RECORDING = composeSilence(0.1);

const REFERENCE = "data:audio/wav;base64,UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

type Texts = readonly (readonly [name: string, value: string])[];

/** What clients send together. */
const VALUES: Readonly<Record<TranscriptEndpoint["slug"], readonly Texts[]>> = {
  transcriptions: [
    [
      ["language", "en"],
      ["prompt", "An inaugural address."],
      ["temperature", "0"],
      ["response_format", "json"],
      ["include[]", "logprobs"],
      ["chunking_strategy", "auto"],
      ["keywords[]", "Americans"],
      ["keywords[]", "fellow"],
    ],
    [
      ["languages[]", "en"],
      ["languages[]", "de"],
      ["temperature", "0.5"],
      ["response_format", "verbose_json"],
      ["timestamp_granularities[]", "word"],
      ["timestamp_granularities[]", "segment"],
      ["chunking_strategy[type]", "server_vad"],
    ],
    [
      ["known_speaker_names[]", "speaker"],
      ["known_speaker_references[]", REFERENCE],
      ["temperature", "1"],
    ],
  ],
  translations: [
    [
      ["prompt", "An inaugural address."],
      ["temperature", "0"],
      ["response_format", "json"],
    ],
    [
      ["temperature", "1"],
      ["response_format", "verbose_json"],
    ],
  ],
};

function baseName(name: string): string {
  return name.replace(/\[.*$/, "");
}

async function send(
  context: CheckContext,
  { endpoint, isStreamed }: Mode,
  parts: readonly FormPart[],
): Promise<Exchange> {
  const fields = isStreamed ? { stream: "true" } : {};
  const arrange = (known: readonly FormPart[]): readonly FormPart[] => [...parts, ...known];
  return sendTranscript(context, endpoint, { fields, file: RECORDING, arrange });
}

/** The parameter among these that a refusal names; undefined for an answer. */
function findRefused(exchange: Exchange, names: readonly string[]): string | undefined {
  return names.find((name) => {
    try {
      throwIfUnsupported(exchange, name);
      return false;
    } catch (thrown) {
      if (thrown instanceof Unsupported) return true;
      throw thrown;
    }
  });
}

/**
 * Until the rest is answered, or refused without a name.
 *
 * @returns the last exchange, what it held, and what was refused before
 */
async function sendTogether(context: CheckContext, mode: Mode, parts: readonly FormPart[]) {
  const refused: string[] = [];
  for (let rest = parts; ;) {
    const exchange = await send(context, mode, rest);
    const name = findRefused(exchange, [...new Set(rest.map((part) => baseName(part.name)))]);
    if (name === undefined) return { exchange, rest, refused };
    refused.push(name);
    rest = rest.filter((part) => baseName(part.name) !== name);
  }
}

/** That the form without any of this is answered. @throws NotTestable, Unsupported, Inconclusive */
async function requirePlain(context: CheckContext, mode: Mode): Promise<void> {
  await requireOffered(context, mode.endpoint.operation);
  const exchange = await send(context, mode, []);
  if (mode.isStreamed) throwIfUnsupported(exchange, "stream");
  // Many models transcribe one language alone, and can't translate.
  if (mode.endpoint.slug === "translations") throwIfUnsupported(exchange, "model", "translation");
  requireStatus(exchange, 200);
}

function defineValuesCheck(mode: Mode): Check {
  const { slug, endpoint } = mode;
  return defineCheck({
    ...endpoint.check,
    id: `audio.invariants.form-values-${slug}`,
    level: "should",
    requirement: `Documented values of every parameter of ${slug} are taken, lists as \`name[]\`, or refused by name.`,
    reference: `OpenAPI ${endpoint.operation}; openai-node internal/uploads.ts (lists as \`name[]\`)`,
    breaks: "Clients that write all parameters out, as most user interfaces and frameworks do, get no text at all.",
    async run(context) {
      await requirePlain(context, mode);
      const refused: string[] = [];
      for (const texts of VALUES[endpoint.slug]) {
        const sent = await sendTogether(
          context,
          mode,
          texts.map(([name, value]) => ({ name, value })),
        );
        expectStatus(sent.exchange, 200);
        refused.push(...sent.refused);
      }
      if (refused.length > 0) throw new Unsupported(`the target refused ${refused.join(", ")}`);
    },
  });
}

interface Wrong {
  readonly slug: string;
  readonly what: string;
  readonly compose: (name: string) => readonly FormPart[];
}

const WRONG: readonly Wrong[] = [
  { slug: "empty", what: "An empty value", compose: (name) => [{ name, value: "" }] },
  { slug: "text", what: "A text that is none of its values", compose: (name) => [{ name, value: "hot" }] },
  { slug: "list", what: "A list", compose: (name) => ["hot", "cold"].map((value) => ({ name: `${name}[]`, value })) },
  {
    slug: "file",
    what: "A file",
    compose: (name) => [{ name, value: "hot", fileName: "hot.txt", contentType: "text/plain" }],
  },
];

/** In the order of the document. */
const NAMES: Readonly<Record<TranscriptEndpoint["slug"], readonly string[]>> = {
  transcriptions: [...new Set(VALUES.transcriptions.flat().map(([name]) => baseName(name))), "stream"],
  translations: [...new Set(VALUES.translations.flat().map(([name]) => baseName(name)))],
};

function expectNoServerError(exchange: Exchange, names: readonly string[]): void {
  const { status } = expectResponse(exchange);
  if (status === 429) expectStatus(exchange, 200);
  const actual = `for ${names.join(", ")}: ${describeExchange(exchange)}`;
  expectThat(status < 500 || status === 501, { observer: "wire", expected: "an answer or a refusal with 4xx", actual });
}

/** All at once; one by one where a refusal hides what the others would do. */
async function expectWrongRefused(context: CheckContext, mode: Mode, { compose }: Wrong): Promise<void> {
  // What asks for the stream is right.
  const names = NAMES[mode.endpoint.slug].filter((name) => !(mode.isStreamed && name === "stream"));
  const { exchange, rest } = await sendTogether(context, mode, names.flatMap(compose));
  const left = [...new Set(rest.map(({ name }) => baseName(name)))];
  expectNoServerError(exchange, left);
  if (exchange.response?.status === 200) return;
  for (const name of left) expectNoServerError(await send(context, mode, compose(name)), [name]);
}

function defineWrongCheck(mode: Mode, wrong: Wrong): Check {
  const { slug, endpoint } = mode;
  return defineCheck({
    ...endpoint.check,
    id: `audio.invariants.form-${wrong.slug}-${slug}`,
    requirement: `${wrong.what} in any parameter of ${slug} gives no 5xx.`,
    reference: `OpenAPI ${endpoint.operation}; RFC 9110 section 15.5.1; openai-node client.ts shouldRetry (a 5xx is sent again)`,
    breaks:
      "The SDK sends the recording again and again, and the caller hears of a broken server, not of the parameter.",
    async run(context) {
      await requirePlain(context, mode);
      await expectWrongRefused(context, mode, wrong);
    },
  });
}

export const formParameterChecks: readonly Check[] = MODES.flatMap((mode) => [
  defineValuesCheck(mode),
  ...WRONG.map((wrong) => defineWrongCheck(mode, wrong)),
]);
