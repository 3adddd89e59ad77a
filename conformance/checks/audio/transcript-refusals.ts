/** Checks of requests for transcripts that are wrong: what refuses them, and what the refusal names. */

import { type Check, defineCheck, type Level } from "../../src/check.ts";
import { expectStatus, expectThat } from "../../src/expect.ts";
import { NotTestable } from "../../src/outcome-signals.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectBlamed } from "../support/blame.ts";
import { expectRefused, requireStatus } from "../support/envelope.ts";
import type { FormPart } from "../support/multipart.ts";
import { SPOKEN } from "../support/recordings.ts";
import {
  type AskOptions,
  askTranscript,
  type FormFields,
  judgeRefusal,
  requireTranslations,
  sendTranscript,
  TRANSCRIPT_ENDPOINTS,
  type TranscriptEndpoint,
  TRANSCRIPTIONS,
} from "../support/transcript-calls.ts";

const TEXT_FILE = new TextEncoder().encode("Dear Sir or Madam, this is a letter and no recording. ".repeat(40));

interface Row {
  readonly slug: string;
  readonly what: string;
  readonly param: string;
  readonly fields?: FormFields;
  readonly options?: AskOptions;
  /** Default must. */
  readonly level?: Level;
}

const isFile = ({ name }: FormPart) => name === "file";

const ROWS: readonly Row[] = [
  {
    slug: "no-file",
    what: "without a file",
    param: "file",
    options: { arrange: (parts) => parts.filter((part) => !isFile(part)) },
  },
  { slug: "no-model", what: "without a model", param: "model", fields: { model: undefined }, level: "should" },
  {
    slug: "text-as-file",
    what: "whose `file` is a text",
    param: "file",
    options: { arrange: (parts) => parts.map((part) => (isFile(part) ? { name: "file", value: "speech.wav" } : part)) },
  },
  { slug: "not-audio", what: "whose file is no recording", param: "file", options: { file: TEXT_FILE } },
  { slug: "empty-file", what: "whose file is empty", param: "file", options: { file: new Uint8Array(0) } },
  {
    slug: "format",
    what: "with an unknown `response_format`",
    param: "response_format",
    fields: { response_format: "mp3" },
    level: "should",
  },
  {
    slug: "temperature",
    what: "with a `temperature` above 1",
    param: "temperature",
    fields: { temperature: "2" },
    level: "should",
  },
  {
    slug: "temperature-word",
    what: "whose `temperature` is no number",
    param: "temperature",
    fields: { temperature: "warm" },
    level: "should",
  },
  {
    slug: "unknown-model",
    what: "for a model that is not there",
    param: "model",
    fields: { model: "conformance-no-such-model" },
    // Servers of one model answer for it under any name, as whisper.cpp's does.
    level: "should",
  },
];

/** Of parameters that translations do not have. */
const TRANSCRIPTION_ROWS: readonly Row[] = [
  {
    slug: "language",
    what: "with an unknown `language`",
    param: "language",
    fields: { language: "zzz" },
    level: "should",
  },
  {
    slug: "stream",
    what: "whose `stream` is no boolean",
    param: "stream",
    fields: { stream: "perhaps" },
    level: "should",
  },
  {
    slug: "granularity",
    what: "with an unknown granularity",
    param: "timestamp_granularities",
    fields: { response_format: "verbose_json", timestamp_granularities: ["letter"] },
    level: "should",
  },
  {
    slug: "granularity-format",
    what: "for words in another format than `verbose_json`",
    param: "timestamp_granularities",
    fields: { response_format: "text", timestamp_granularities: ["word"] },
    level: "should",
  },
  {
    slug: "include",
    what: "with an unknown `include[]`",
    param: "include",
    fields: { include: ["everything"] },
    level: "should",
  },
  {
    slug: "chunking",
    what: "with an unknown `chunking_strategy`",
    param: "chunking_strategy",
    fields: { chunking_strategy: "by-hand" },
    level: "should",
  },
];

function defineRefusal(endpoint: TranscriptEndpoint, row: Row): Check {
  const { slug, what, level = "must" } = row;
  return defineCheck({
    ...endpoint.check,
    level,
    id: `audio.${endpoint.slug}.refuses.${slug}`,
    requirement: `A request of ${endpoint.operation} ${what} is refused with a 4xx.`,
    reference: "OpenAPI CreateTranscriptionRequest; OpenAI error codes",
    breaks: "Callers get a text of nothing, or a 500 that their client sends again and again.",
    async run(context) {
      const exchange = await sendRow(context, endpoint, row);
      await judgeRefusal(context, endpoint, () => expectRefused(exchange));
    },
  });
}

async function sendRow(context: CheckContext, endpoint: TranscriptEndpoint, row: Row): Promise<Exchange> {
  const { fields = {}, options = {} } = row;
  return sendTranscript(context, endpoint, { ...options, fields: { response_format: "json", ...fields } });
}

function defineBlame(endpoint: TranscriptEndpoint, rows: readonly Row[]): Check {
  return defineCheck({
    ...endpoint.check,
    id: `audio.${endpoint.slug}.refuses.param`,
    level: "should",
    requirement: `The refusal by ${endpoint.operation} of a request that is wrong in one field names it in \`param\`.`,
    reference: "OpenAPI Error.param",
    breaks: "Forms and agents that repair the field named by `param` have nothing to repair.",
    async run(context) {
      await judgeRefusal(context, endpoint, () => expectBlamed(rows, (row) => sendRow(context, endpoint, row)));
    },
  });
}

function defineWrongModel(endpoint: TranscriptEndpoint): Check {
  return defineCheck({
    ...endpoint.check,
    id: `audio.${endpoint.slug}.refuses.chat-model`,
    level: "should",
    needs: ["model:transcription", "model:chat"],
    requirement: `A model that transcribes nothing is refused by ${endpoint.operation} with a 4xx.`,
    reference: "OpenAI error codes: 404 and 400 for a model that an endpoint doesn't serve",
    breaks: "A misspelt model is answered by another one, at another price.",
    async run(context) {
      if (context.models.chat === context.models.transcription) throw new NotTestable("one model serves both");
      const { status } =
        (await sendTranscript(context, endpoint, { fields: { model: context.models.chat } })).response ?? {};
      await judgeRefusal(context, endpoint, () => {
        const holds = status !== undefined && status >= 400 && status < 500;
        expectThat(holds, { observer: "wire", expected: "a 4xx", actual: `status ${status}` });
      });
    },
  });
}

/** A request that is wrong stays wrong: the SDKs send again what was answered with 408, 409, 429 or 5xx. */
function defineNotRetried(endpoint: TranscriptEndpoint): Check {
  return defineCheck({
    ...endpoint.check,
    id: `audio.${endpoint.slug}.refusal-not-retried`,
    requirement: `A file that is no recording is refused by ${endpoint.operation} in a way that the SDK does not retry.`,
    reference: "openai-node src/client.ts shouldRetry",
    breaks: "The SDKs upload the same useless file three times, and the caller waits for all of them.",
    async run(context) {
      const { slug } = endpoint;
      const model = String(context.models.transcription);
      const file = new File([TEXT_FILE], "speech.wav", { type: "audio/wav" });
      const ask = () => context.sdk(async (client) => client.audio[slug].create({ model, file }), { maxRetries: 2 });
      const { exchanges, exchange } = await ask();
      await requireTranslations(context, endpoint, exchange);
      const actual = `${exchanges.length} requests`;
      await judgeRefusal(context, endpoint, () =>
        expectThat(exchanges.length === 1, { observer: "sdk", expected: "one request", actual }),
      );
    },
  });
}

/** As long a silence behind the speech as makes the body too large. */
function defineTooLarge(endpoint: TranscriptEndpoint): Check {
  return defineCheck({
    ...endpoint.check,
    id: `audio.${endpoint.slug}.refuses.too-large`,
    level: "should",
    needs: ["model:transcription", "fixture:body_bytes_max"],
    requirement: `A recording beyond the limit of bodies is refused by ${endpoint.operation} with 413.`,
    reference: "RFC 9110 section 15.5.14; OpenAI audio guide: files up to 25 MB",
    breaks: "The connection is reset in the middle of the upload, and nobody learns why; macro-inc/macro#6527.",
    async run(context) {
      requireStatus(await askTranscript(context, endpoint), 200);
      const file = new Uint8Array(context.fixture("body_bytes_max") + 1);
      file.set(SPOKEN);
      const exchange = await sendTranscript(context, endpoint, { file });
      if (/^(?:EPIPE|ECONNRESET):/.test(exchange.transportError ?? ""))
        throw new NotTestable("the connection was reset");
      expectStatus(exchange, 413);
    },
  });
}

export const transcriptRefusalChecks: readonly Check[] = [
  ...TRANSCRIPT_ENDPOINTS.flatMap((endpoint) => [
    ...ROWS.map((row) => defineRefusal(endpoint, row)),
    defineBlame(endpoint, endpoint === TRANSCRIPTIONS ? [...ROWS, ...TRANSCRIPTION_ROWS] : ROWS),
    defineWrongModel(endpoint),
    defineNotRetried(endpoint),
    defineTooLarge(endpoint),
  ]),
  ...TRANSCRIPTION_ROWS.map((row) => defineRefusal(TRANSCRIPTIONS, row)),
];
