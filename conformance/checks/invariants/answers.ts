/**
 * Checks that look at all of an answer: every operation, as an answer and as a stream, with the options that change what
 * it holds. Other checks own single rules and say more about each; these are for whatever none of them looks at.
 */

import { type HttpOperationId, operations } from "@openai-compat/spec";
import { type Check, defineCheck, type Level } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, expectStatus, isJsonObject, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import type { Owners } from "../../src/owners.ts";
import { composeMultipart } from "../support/multipart.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { SPOKEN } from "../support/recordings.ts";
import type { Answered } from "./answered.ts";
import { throwIfStreamIgnored } from "../support/transcript-calls.ts";
import { listChatFlaws, listChatStreamFlaws } from "./chat-flaws.ts";
import { type Flaw, must, should, objectsOf, readAnswer, readStream } from "./flaws.ts";
import {
  listEmbeddingFlaws,
  listModelFlaws,
  listModelListFlaws,
  listSpeechFlaws,
  listSpeechStreamFlaws,
  listTranscriptFlaws,
  listTranscriptStreamFlaws,
} from "./other-flaws.ts";
import { listResponseFlaws } from "./response-flaws.ts";
import { listResponseStreamFlaws } from "./response-stream-flaws.ts";
import { listSecretFlaws } from "./secret-flaws.ts";
import { RESPONSES_ANSWERED } from "./kept-responses.ts";
import { CONVERSATION_ANSWERED } from "./conversation-answers.ts";
import { STORED_ANSWERED } from "./stored-answers.ts";
import { listTextFlaws, listTextStreamFlaws } from "./text-flaws.ts";
import { CHAT_VARIANTS, RESPONSE_VARIANTS, streamed, TEXT_VARIANTS } from "./variants.ts";

function sendJson(operation: HttpOperationId, compose: (context: CheckContext) => JsonObject): Answered["send"] {
  const { method, path } = operations[operation];
  return async (context, fields, sent = {}) => {
    const body = JSON.stringify({ ...compose(context), ...fields });
    const exchange = await context.wire({ method, path, body, disconnectAfterMs: context.patienceMs, ...sent });
    throwIfUnsupported(exchange, "max_tokens");
    for (const name of ["stream", "stream_format"]) if (name in fields) throwIfUnsupported(exchange, name);
    return exchange;
  };
}

function sendForm(operation: "createTranscription" | "createTranslation"): Answered["send"] {
  const { method, path } = operations[operation];
  return async (context, { recording = SPOKEN, ...fields }, sent = {}) => {
    const texts = Object.entries({ model: context.models.transcription, ...fields }).flatMap(([name, value]) =>
      [value].flat().map((one) => ({ name: Array.isArray(value) ? `${name}[]` : name, value: String(one) })),
    );
    const value = recording instanceof Uint8Array ? recording : SPOKEN;
    const file = { name: "file", value, fileName: "speech.wav", contentType: "audio/wav" };
    const { body, headers } = composeMultipart([...texts, file]);
    const exchange = await context.wire({
      method,
      path,
      body,
      disconnectAfterMs: context.patienceMs,
      ...sent,
      headers: { ...headers, ...sent.headers },
    });
    // Many models transcribe one language alone, and can't translate.
    if (operation === "createTranslation" && !("model" in fields)) throwIfUnsupported(exchange, "model", "translation");
    return exchange;
  };
}

const transcript = sendForm("createTranscription");

const streamTranscript: Answered["send"] = async (context, fields, sent) => {
  const exchange = await transcript(context, fields, sent);
  throwIfUnsupported(exchange, "stream");
  const { response_format: format } = fields;
  await throwIfStreamIgnored(context, exchange, typeof format === "string" ? { response_format: format } : {});
  return exchange;
};

const chat = sendJson("createChatCompletion", ({ models }) => ({ model: models.chat, max_tokens: 8 }));
const completion = sendJson("createCompletion", ({ models }) => ({ model: models.chat, max_tokens: 8 }));
const response = sendJson("createResponse", ({ models }) => ({ model: models.chat, max_output_tokens: 16 }));
const speech = sendJson("createSpeech", ({ models }) => ({
  model: models.speech,
  voice: "alloy",
  response_format: "wav",
}));
const LEAST = { max_tokens: 1 };
const CHAT = { area: "chat", operation: "createChatCompletion", needs: ["model:chat"], least: LEAST } as const;
const TEXT = { area: "completions", operation: "createCompletion", needs: ["model:chat"], least: LEAST } as const;
const RESPONSE = { area: "responses", operation: "createResponse", needs: ["model:chat"] } as const;
const SPEECH = { area: "audio", operation: "createSpeech", needs: ["model:speech"] } as const;
const HEARD = { area: "audio", needs: ["model:transcription"] } as const;
const SPOKEN_TEXTS = [{ input: "The sea is wide." }, { input: "The rain is cold, and the night is long." }];
const FORMATS = [{}, { response_format: "verbose_json" }, { response_format: "json" }];

const TIMED = { response_format: "verbose_json", timestamp_granularities: ["word", "segment"] };

const LIFETIME = { anchor: "created_at", seconds: 60 };
const SECRET_VARIANTS: readonly JsonObject[] = [{}, { expires_after: LIFETIME }];

export const ANSWERED: readonly Answered[] = [
  { ...CHAT, slug: "chat", variants: CHAT_VARIANTS, send: chat, list: listChatFlaws },
  { ...CHAT, slug: "chat-stream", variants: streamed(CHAT_VARIANTS), send: chat, list: listChatStreamFlaws },
  { ...TEXT, slug: "completions", variants: TEXT_VARIANTS, send: completion, list: listTextFlaws },
  {
    ...TEXT,
    slug: "completions-stream",
    variants: streamed(TEXT_VARIANTS),
    send: completion,
    list: listTextStreamFlaws,
  },
  { ...RESPONSE, slug: "responses", variants: RESPONSE_VARIANTS, send: response, list: listResponseFlaws },
  {
    ...RESPONSE,
    slug: "responses-stream",
    variants: RESPONSE_VARIANTS.map((fields) => ({ ...fields, stream: true })),
    send: response,
    list: listResponseStreamFlaws,
  },
  {
    slug: "embeddings",
    area: "embeddings",
    operation: "createEmbedding",
    needs: ["model:embedding"],
    variants: [
      { input: "The sea is wide." },
      { input: ["Rain", "The night is long.", "Snow"] },
      { input: "Cold rain.", encoding_format: "base64" },
      { input: Array.from({ length: 24 }, (_, index) => 300 + index) },
    ],
    send: sendJson("createEmbedding", ({ models }) => ({ model: models.embedding })),
    list: listEmbeddingFlaws,
  },
  { ...SPEECH, slug: "speech", variants: SPOKEN_TEXTS, send: speech, list: listSpeechFlaws },
  {
    ...SPEECH,
    slug: "speech-stream",
    variants: SPOKEN_TEXTS.map((fields) => ({ ...fields, stream_format: "sse" })),
    send: speech,
    list: listSpeechStreamFlaws,
  },
  {
    ...HEARD,
    slug: "transcriptions",
    operation: "createTranscription",
    variants: [...FORMATS, TIMED, TIMED],
    send: transcript,
    list: listTranscriptFlaws,
  },
  {
    ...HEARD,
    slug: "transcriptions-stream",
    operation: "createTranscription",
    variants: [{ stream: "true" }, { stream: "true", response_format: "json" }],
    send: streamTranscript,
    list: listTranscriptStreamFlaws,
  },
  {
    ...HEARD,
    slug: "translations",
    operation: "createTranslation",
    variants: FORMATS,
    send: sendForm("createTranslation"),
    list: listTranscriptFlaws,
  },
  {
    slug: "client-secrets",
    area: "realtime",
    operation: "create-realtime-client-secret",
    needs: ["model:transcription"],
    variants: SECRET_VARIANTS,
    refused: [{ session: { type: "conformance" } }, { expires_after: { anchor: "created_at", seconds: 1 } }],
    send: sendJson("create-realtime-client-secret", composeSecret),
    list: listSecretFlaws,
  },
  {
    slug: "models-list",
    area: "models",
    operation: "listModels",
    needs: [],
    variants: [{}, {}],
    send: (context, _, sent) =>
      context.wire({ method: "GET", path: "/models", disconnectAfterMs: context.patienceMs, ...sent }),
    list: listModelListFlaws,
  },
  {
    slug: "models-retrieve",
    area: "models",
    operation: "retrieveModel",
    needs: ["model:chat"],
    variants: [{}, {}],
    refused: [{ model: "conformance-no-such-model" }],
    send: (context, { model = context.models.chat }, sent) => {
      const path = `/models/${encodeURIComponent(String(model))}`;
      return context.wire({ method: "GET", path, disconnectAfterMs: context.patienceMs, ...sent });
    },
    list: (exchange) => {
      const { body, flaws } = readAnswer(exchange);
      return [...flaws, ...listModelFlaws(body)];
    },
  },
  ...STORED_ANSWERED,
  ...CONVERSATION_ANSWERED,
  ...RESPONSES_ANSWERED,
];

/** As the examples of the document: a session for transcription with a model of the recipe. */
function composeSecret({ models }: CheckContext): JsonObject {
  const transcription = { model: models.transcription, language: "en" };
  return { session: { type: "transcription", audio: { input: { transcription } } } };
}

/** An option may be refused; whatever else comes instead of 200 is a flaw. */
const REFUSED: readonly number[] = [400, 404, 422, 501];

/** What is wrong with the answers, each alone and beside the others. @throws NotTestable, Inconclusive */
async function* findFlaws(context: CheckContext, answered: Answered): AsyncGenerator<Flaw & { exchange: Exchange }> {
  const ids = new Set<string>();
  const owned = new Map<string, Owners>();
  for (const [place, fields] of answered.variants.entries()) {
    const exchange = await answered.send(context, fields);
    const { status } = expectResponse(exchange);
    if (place === 0 && status !== 200) await requireOffered(context, answered.operation);
    if (place > 0 && REFUSED.includes(status)) continue;
    expectStatus(exchange, 200);
    for (const flaw of answered.list(exchange, { fields })) {
      const isOwned = flaw.owners !== undefined && (isPlain(fields) || owned.has(flaw.expected));
      if (isOwned) owned.set(flaw.expected, flaw.owners);
      else yield { ...flaw, exchange };
    }
    for (const flaw of listNameFlaws(exchange)) yield { ...flaw, exchange };
    for (const id of answered.makes === true ? listOwnIds(exchange) : listIds(exchange)) {
      for (const flaw of must(!ids.has(id), "an id of its own for each answer, and for each call", id))
        yield { ...flaw, exchange };
      ids.add(id);
    }
  }
  for (const [what, owners] of owned) {
    throw new Inconclusive(`the streams lack ${what}, which ${owners.ids.join(", ")} judges`, owners);
  }
}

const PLAIN_FIELDS = new Set(["messages", "prompt", "stream", "stream_options"]);

/** A request without options, but for a stream and its usage. */
function isPlain(fields: JsonObject): boolean {
  return Object.keys(fields).every((name) => PLAIN_FIELDS.has(name));
}

/** The model of an answer is the requested one, or the version that it stands for. */
function listNameFlaws(exchange: Exchange): readonly Flaw[] {
  const asked = parseObject(exchange.request.body)["model"];
  if (typeof asked !== "string") return [];
  const names = readParts(exchange).flatMap(({ model }) => (typeof model === "string" && model !== "" ? [model] : []));
  const isLike = (name: string): boolean =>
    name.toLowerCase().includes(asked.toLowerCase()) || asked.toLowerCase().includes(name.toLowerCase());
  const other = names.find((name) => !isLike(name) && asked !== "default");
  return should(other === undefined, `a model named like ${asked}`, other);
}

function parseObject(text: string | Uint8Array | null): JsonObject {
  try {
    const value: unknown = JSON.parse(typeof text === "string" ? text : "");
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** The events of a stream, or the one object of an answer. */
function readParts(exchange: Exchange): readonly JsonObject[] {
  if (/^text\/event-stream\b/i.test(exchange.response?.headers["content-type"] ?? "")) {
    return readStream(exchange, false).events;
  }
  const { body } = readAnswer(exchange);
  return isJsonObject(body) ? [body] : [];
}

/** The id of an answer or a stream, those of its calls, and a secret. */
function listIds(exchange: Exchange): readonly string[] {
  const parts = readParts(exchange);
  const choices = parts.flatMap((part) => objectsOf(part["choices"]));
  const calls = choices.flatMap(({ message, delta }) =>
    [message, delta].flatMap((spoken) => (isJsonObject(spoken) ? objectsOf(spoken["tool_calls"]) : [])),
  );
  const secrets = parts.flatMap(({ value, expires_at: expiry }) => (expiry === undefined ? [] : [value]));
  const ids = [...[...(choices.length > 0 ? parts : []), ...calls].map(({ id }) => id), ...secrets];
  return [...new Set(ids.filter((id): id is string => typeof id === "string" && id !== ""))];
}

/** Of what was made. */
function listOwnIds(exchange: Exchange): readonly string[] {
  return readParts(exchange).flatMap(({ id }) => (typeof id === "string" ? [id] : []));
}

function isKept({ operation, makes = false }: Answered): boolean {
  return makes || operations[operation].path.includes("_id}");
}

function defineAnswerCheck(answered: Answered, level: Level & ("must" | "should")): Check {
  const { slug, area, operation, needs } = answered;
  const isStrict = level === "must";
  return defineCheck({
    id: `${area}.invariants.${slug}${isStrict ? "" : "-details"}`,
    area,
    level,
    tier: "protocol",
    operation,
    needs,
    // What one check has made another one may have deleted.
    ...(isKept(answered) ? { sharesAnswers: false } : {}),
    requirement: isStrict
      ? `Every field and event of ${slug} answers is what the document says, with every option that changes them.`
      : `The details of ${slug} answers agree with each other: texts, tokens, counts, times and order.`,
    reference: `OpenAPI ${operation}; WHATWG HTML section 9.2 for streams; openai-node core/streaming.ts`,
    breaks: isStrict
      ? "Typed clients can't read the answer, or the official SDK throws in the middle of it."
      : "Clients show or count what was not said.",
    async run(context) {
      for await (const { exchange, level: found, ...flaw } of findFlaws(context, answered)) {
        if (found === level) throw new Failure({ ...flaw, exchange });
      }
    },
  });
}

export const answerChecks: readonly Check[] = ANSWERED.flatMap((answered) => [
  defineAnswerCheck(answered, "must"),
  defineAnswerCheck(answered, "should"),
]);
