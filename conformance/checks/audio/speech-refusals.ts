/** Checks of requests for speech that are wrong: what refuses them, and what the refusal names. */

import { type Check, defineCheck, type Level } from "../../src/check.ts";
import { expectThat, type JsonObject } from "../../src/expect.ts";
import { NotTestable } from "../../src/outcome-signals.ts";
import { expectBlamed } from "../support/blame.ts";
import { expectRefused, requireRefusedError } from "../support/envelope.ts";
import { composeSpeech, sendSpeech, SPEECH } from "../support/speech-calls.ts";

const CHARACTERS_MAX = 4096;

interface Row {
  readonly slug: string;
  readonly what: string;
  readonly param: string;
  readonly fields: JsonObject;
  /** Default must. */
  readonly level?: Level;
}

const ROWS: readonly Row[] = [
  { slug: "no-input", what: "without an input", param: "input", fields: { input: undefined } },
  { slug: "no-voice", what: "without a voice", param: "voice", fields: { voice: undefined }, level: "should" },
  { slug: "no-model", what: "without a model", param: "model", fields: { model: undefined }, level: "should" },
  {
    slug: "unknown-model",
    what: "for a model that is not there",
    param: "model",
    fields: { model: "conformance-no-such-model" },
    level: "should",
  },
  { slug: "empty-input", what: "whose input is empty", param: "input", fields: { input: "" }, level: "should" },
  { slug: "input-type", what: "whose input is a list", param: "input", fields: { input: ["The sea."] } },
  {
    slug: "long-input",
    what: `of more than ${CHARACTERS_MAX} characters`,
    param: "input",
    fields: { input: "sea ".repeat(CHARACTERS_MAX / 4 + 1) },
    level: "should",
  },
  {
    slug: "unknown-voice",
    what: "for a voice that is not there",
    param: "voice",
    fields: { voice: "conformance-no-such-voice" },
    level: "should",
  },
  {
    slug: "format",
    what: "with an unknown `response_format`",
    param: "response_format",
    fields: { response_format: "midi" },
    level: "should",
  },
  {
    slug: "stream-format",
    what: "with an unknown `stream_format`",
    param: "stream_format",
    fields: { stream_format: "smoke" },
    level: "should",
  },
  { slug: "speed-low", what: "with a `speed` below 0.25", param: "speed", fields: { speed: 0.1 }, level: "should" },
  { slug: "speed-high", what: "with a `speed` above 4", param: "speed", fields: { speed: 10 }, level: "should" },
  { slug: "speed-type", what: "whose `speed` is a text", param: "speed", fields: { speed: "fast" }, level: "should" },
];

function defineRefusal({ slug, what, fields, level = "must" }: Row): Check {
  return defineCheck({
    ...SPEECH,
    level,
    id: `audio.speech.refuses.${slug}`,
    requirement: `A request for speech ${what} is refused with a 4xx.`,
    reference: "OpenAPI CreateSpeechRequest; OpenAI error codes",
    breaks: "The SDK does not look into the answer: an error with status 200 is saved as the audio file.",
    async run(context) {
      expectRefused(await sendSpeech(context, fields));
    },
  });
}

export const speechRefusalChecks: readonly Check[] = [
  ...ROWS.map(defineRefusal),
  defineCheck({
    ...SPEECH,
    id: "audio.speech.refuses.param",
    level: "should",
    requirement: "The refusal of a request that is wrong in one field names it in `param`.",
    reference: "OpenAPI Error.param",
    breaks: "Forms and agents that repair the field named by `param` have nothing to repair.",
    async run(context) {
      await expectBlamed(ROWS, ({ fields }) => sendSpeech(context, fields));
    },
  }),
  defineCheck({
    ...SPEECH,
    id: "audio.speech.unknown-voice-lists-voices",
    level: "should",
    requirement: "The refusal of an unknown voice says which voices there are.",
    reference: "OpenAI's own refusal: Input should be 'nova', 'shimmer', …; mudler/LocalAI#11604",
    breaks: "Users of a server with voices of its own have no other way to learn their names.",
    async run(context) {
      const { message } = requireRefusedError(await sendSpeech(context, { voice: "conformance-no-such-voice" }));
      const names = message.replaceAll(/conformance-no-such-voice/g, "").match(/['"`][\w .-]+['"`]|\b\w+, \w+/g) ?? [];
      expectThat(
        names.some((name) => !/voice/.test(name)),
        { observer: "wire", expected: "names of voices", actual: message },
      );
    },
  }),
  defineCheck({
    ...SPEECH,
    id: "audio.speech.refuses.chat-model",
    level: "should",
    needs: ["model:speech", "model:chat"],
    requirement: "A model that does not speak is refused with a 4xx.",
    reference: "OpenAI error codes: 404 and 400 for a model that an endpoint doesn't serve",
    breaks: "A misspelt model is answered by another one, at another price.",
    async run(context) {
      if (context.models.chat === context.models.speech) throw new NotTestable("one model serves both");
      const { status } = (await sendSpeech(context, { model: context.models.chat })).response ?? {};
      const holds = status !== undefined && status >= 400 && status < 500;
      expectThat(holds, { observer: "wire", expected: "a 4xx", actual: `status ${status}` });
    },
  }),
  defineCheck({
    ...SPEECH,
    id: "audio.speech.refusal-not-retried",
    requirement: "A request for a voice that is not there is refused in a way that the SDK does not retry.",
    reference: "openai-node src/client.ts shouldRetry",
    breaks: "The SDKs ask three times for what will never be, and the caller waits for all of them.",
    async run(context) {
      const body = composeSpeech(context, { voice: "conformance-no-such-voice" });
      const { exchanges } = await context.sdk((client) => client.post("/audio/speech", { body }), { maxRetries: 2 });
      const actual = `${exchanges.length} requests`;
      expectThat(exchanges.length === 1, { observer: "sdk", expected: "one request", actual });
    },
  }),
];
