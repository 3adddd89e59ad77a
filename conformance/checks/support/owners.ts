/**
 * Which checks own what other checks take for granted: the answer to a request by its operation and fields, a refusal
 * by its status, and the parts of an answer. Here and nowhere else, so that one look shows whether something has none.
 */

import type { Exchange } from "../../src/exchange.ts";
import { defineOwners, type Owners } from "../../src/owners.ts";
import { mistakeOwners, readFields, shapeOwners } from "./request-owners.ts";

type TranscriptFormat = "json" | "text" | "srt" | "vtt" | "verbose_json";

/** Parts of answers, and what servers have to do before another thing can be seen. */
export const OWNERS = {
  chatChoice: defineOwners("chat.completion.choices", "chat.invariants.chat"),
  chatMessage: defineOwners("chat.invariants.chat"),
  chatContent: defineOwners("chat.invariants.chat"),
  chatRole: defineOwners("chat.completion.role", "chat.completion.default-is-one-shot"),
  chatChoices: defineOwners("chat.n.choices"),
  chatUsage: defineOwners("chat.usage.present"),
  chatUsageCounts: defineOwners("chat.usage.counts-the-prompt", "chat.usage.counts-the-answer"),
  chatLimit: defineOwners("chat.limit.max-tokens", "chat.usage.counts-the-answer"),
  chatStop: defineOwners("chat.stop.string"),
  chatScores: defineOwners("chat.logprobs.given"),
  chatScoresTop: defineOwners("chat.logprobs.top-count", "chat.logprobs.range"),
  chatMistakes: defineOwners("chat.refusal.missing-messages"),
  textMistakes: defineOwners("completions.refusal.prompt-type"),
  streamRead: defineOwners(
    "chat.stream.content-type",
    "chat.stream.sdk-sees-chunks",
    "chat.stream.choices-array",
    "sse.one-json-per-event",
  ),
  streamChoices: defineOwners("chat.invariants.chat-stream"),
  streamContent: defineOwners("chat.stream.content-type-of-delta"),
  streamIndex: defineOwners("chat.stream.index"),
  streamUsage: defineOwners("chat.stream.usage-chunk"),
  streamUsageAlone: defineOwners("chat.stream.usage-chunk", "chat.stream.usage-chunk-alone"),
  bothUsages: defineOwners("chat.usage.present", "chat.stream.usage-chunk"),
  streamPlain: defineOwners("chat.stream.usage-only-when-asked", "completions.stream.usage-only-when-asked"),
  streamFinish: defineOwners(
    "chat.stream.finish-valid",
    "chat.stream.finish-once",
    "chat.tools.stream-finish-reason",
    "chat.tools.stream-sdk-helper",
  ),
  streamFramed: defineOwners(
    "sse.blank-line-after-event",
    "sse.no-empty-event",
    "chat.stream.content-type",
    "chat.stream.sdk-sees-chunks",
  ),
  streamDone: defineOwners("sse.done-sentinel"),
  streamEnd: defineOwners("sse.ends-after-done", "sse.clean-end"),
  called: defineOwners("chat.tools.named-is-called", "chat.tools.required-calls"),
  calledByName: defineOwners("chat.tools.named-is-called"),
  calledNone: defineOwners("chat.tools.none-calls-nothing"),
  calledInStream: defineOwners("chat.tools.stream-calls"),
  calledOnce: defineOwners("chat.tools.stream-index-own", "chat.tools.stream-calls"),
  callArguments: defineOwners("chat.tools.arguments-string"),
  callJson: defineOwners("chat.tools.arguments-json"),
  callFits: defineOwners("chat.tools.arguments-fit", "chat.tools.arguments-json"),
  callIndex: defineOwners("chat.tools.stream-index"),
  callPieces: defineOwners("chat.tools.stream-arguments-strings"),
  callPiecesFit: defineOwners("chat.tools.stream-arguments"),
  callHelper: defineOwners("chat.tools.stream-sdk-helper", "chat.stream.sdk-helper"),
  callRun: defineOwners("chat.tools.run-tools-calls"),
  toolTurn: defineOwners("chat.messages.tool-turn"),
  customCall: defineOwners("chat.tools.custom"),
  customForm: defineOwners("chat.tools.custom-regex"),
  objectText: defineOwners("chat.format.json-object"),
  schemaFits: defineOwners("chat.format.json-schema"),
  schemaFitsInStream: defineOwners("chat.format.json-schema-stream"),
  clientInputs: defineOwners(
    "chat.inputs.zod-4",
    "chat.inputs.openai-node",
    "chat.inputs.pydantic",
    "chat.inputs.openai-agents",
  ),
  schemaText: defineOwners("chat.format.json-schema", "chat.invariants.unicode-body"),
  textChoice: defineOwners("completions.shape", "completions.invariants.completions"),
  textUsage: defineOwners("completions.usage"),
  textStop: defineOwners("completions.stop.string"),
  textEcho: defineOwners("completions.echo.prompt-first"),
  textEchoes: defineOwners("completions.echo.prompt-first", "completions.invariants.stream-says-the-same"),
  textPrompts: defineOwners("completions.prompts.list"),
  textChoices: defineOwners("completions.n.choices"),
  textStreamChoices: defineOwners("completions.invariants.completions-stream"),
  textScores: defineOwners("completions.logprobs.given"),
  textOffsets: defineOwners("completions.logprobs.offsets", "completions.logprobs.given"),
  textEvents: defineOwners(
    "completions.stream.choices-array",
    "completions.stream.text-string",
    "completions.stream.done",
    "completions.stream.sdk-reads",
  ),
  textStreamUsage: defineOwners("completions.stream.usage"),
  bothTextUsages: defineOwners("completions.usage", "completions.stream.usage"),
  vectors: defineOwners("embeddings.shape", "embeddings.float"),
  storedList: defineOwners("responses.stored-chats.list.shape"),
  conversation: defineOwners("responses.conversations.create.shape"),
  conversationRead: defineOwners("responses.conversations.get.same"),
  conversationItems: defineOwners("responses.conversation-items.create.answer"),
  conversationItemList: defineOwners(
    "responses.conversation-items.list.shape",
    "responses.conversation-items.list.pages",
  ),
  conversationItemRead: defineOwners("responses.conversation-items.get.same"),
  conversationItemDeleted: defineOwners("responses.conversation-items.delete.gone"),
  responseText: defineOwners("responses.create.text"),
  responsePrevious: defineOwners("responses.create.unknown-previous"),
  responseDeleted: defineOwners("responses.delete.answer"),
  models: defineOwners("models.list.shape"),
  modelListed: defineOwners("models.list.item-fields"),
  modelRetrieved: defineOwners("models.retrieve.listed"),
  chatId: defineOwners("chat.completion.id", "chat.invariants.chat"),
  chatWhole: defineOwners("chat.completion.choices", "chat.invariants.chat"),
  streamId: defineOwners("chat.invariants.chat-stream"),
  streamText: defineOwners("chat.invariants.stream-says-the-same", "chat.invariants.chat-stream"),
  responseEvents: defineOwners("responses.invariants.responses-stream", "responses.stream.content-type"),
  responseEnd: defineOwners("responses.stream.first-last"),
  beforeBody: defineOwners("auth.chat.before-body", "auth.chat.capability-before-body"),
  /** Streams of an account that reads none of them, and others after them. */
  stalledReader: defineOwners("limits.stalled-reader.others-served"),
  responseTooLong: defineOwners("responses.refusal.too-long"),
  responseUsage: defineOwners("responses.create.shape", "responses.invariants.responses"),
  responseSocketOpens: defineOwners("responses.socket.opens"),
  responseSocketEnds: defineOwners("responses.socket.whole-end"),
  responseSocketUsage: defineOwners("responses.socket.usage"),
  responseSocketSecond: defineOwners("responses.socket.second-turn"),
  compaction: defineOwners("responses.compact.shape", "responses.compact.answers"),
  responseKept: defineOwners("responses.get.same", "responses.get.shape"),
  responseCalled: defineOwners("responses.tools.named-is-called"),
  responseCalledAny: defineOwners("responses.tools.required-calls"),
  preflight: defineOwners("http.cors.preflight", "http.cors.answer"),
  rateRefused: defineOwners("limits.rate.refused"),
  rateCode: defineOwners("limits.rate.code"),
  rateRetryAfter: defineOwners("limits.rate.retry-after"),
  overloadRefused: defineOwners("limits.overload.refused"),
  quotaCode: defineOwners("billing.no-credit.code"),
  unreadable: defineOwners("errors.input.server-lives-on"),
  bodyRefused: defineOwners("limits.body.refused"),
  upstreamDown: defineOwners("upstreams.down.status"),
  upstreamError: defineOwners("upstreams.error.status", "errors.envelope.upstream-error"),
  upstreamBreaks: defineOwners("upstreams.breaks.one-shot", "upstreams.breaks.ends"),
  upstreamEnds: defineOwners("upstreams.breaks.ends"),
  upstreamErrorEvent: defineOwners("upstreams.breaks.error-event"),
  upstreamFrames: defineOwners(
    "upstreams.breaks.sdk-throws",
    "upstreams.breaks.ends",
    "sse.one-json-per-event",
    "sse.no-empty-event",
    "sse.blank-line-after-event",
  ),
  upstreamFailure: defineOwners("upstreams.down.status", "upstreams.error.status"),
  liveOpen: defineOwners("realtime.upgrade.intent", "realtime.upgrade.model"),
  liveCreated: defineOwners("realtime.session.created-first", "realtime.abuse.disconnect"),
  liveUpdated: defineOwners("realtime.session.updated"),
  liveCleared: defineOwners("realtime.buffer.cleared"),
  liveItems: defineOwners("realtime.turn.item-events", "realtime.turn.item"),
  liveTurns: defineOwners("realtime.turn.close", "realtime.turn.committed", "realtime.turn.item-events"),
  liveCompleted: defineOwners("realtime.turn.completed", "realtime.turn.ends-once"),
  liveUsage: defineOwners("realtime.turn.usage"),
  liveEmptyCommit: defineOwners("realtime.buffer.empty-commit", "realtime.buffer.short-commit"),
  liveDetection: defineOwners("realtime.detection.events"),
  liveDetectionTimes: defineOwners("realtime.detection.times"),
  liveUnknownEvent: defineOwners("realtime.fault.unknown-event"),
  liveErrorShape: defineOwners("realtime.fault.shape"),
  liveRefusedUpdate: defineOwners("realtime.session.refuses-unknown-format"),
  liveAnyone: defineOwners(
    "realtime.auth.header.missing",
    "realtime.auth.header.unknown-key",
    "realtime.auth.subprotocol.unknown-key",
    "realtime.auth.query.unknown-key",
  ),
  liveForbidden: defineOwners("realtime.auth.header.no-capability"),
  liveByHeader: defineOwners("realtime.upgrade.intent"),
  liveBySubprotocol: defineOwners("realtime.auth.subprotocol.accepted", "realtime.auth.subprotocol.answer"),
  speechWave: defineOwners("audio.speech.wav.magic", "audio.speech.wav.header"),
  speechEvents: defineOwners("audio.speech.stream.head", "audio.speech.stream.deltas"),
  speechDeltas: defineOwners("audio.speech.stream.deltas"),
  heardEvents: defineOwners("audio.transcriptions.stream.head", "audio.transcriptions.stream.shape"),
  heardDeltas: defineOwners("audio.transcriptions.stream.deltas", "audio.transcriptions.stream.shape"),
  heardDone: defineOwners("audio.transcriptions.stream.done"),
  heardText: defineOwners("audio.transcriptions.json.body", "audio.translations.json.body"),
  heardSegments: defineOwners(
    "audio.transcriptions.verbose-json.segments",
    "audio.translations.verbose-json.segments",
    "audio.transcriptions.verbose-json.shape",
    "audio.translations.verbose-json.shape",
  ),
  heardWords: defineOwners("audio.transcriptions.words.requested"),
  heardFacts: defineOwners(
    "audio.transcriptions.verbose-json.shape",
    "audio.translations.verbose-json.shape",
    "audio.transcriptions.verbose-json.body",
    "audio.translations.verbose-json.body",
  ),
  secretShape: defineOwners("realtime.secret.shape"),
  secretOpens: defineOwners(
    "realtime.secret.opens",
    "realtime.auth.subprotocol.accepted",
    "realtime.auth.subprotocol.answer",
  ),
  spokenHeard: defineOwners(
    "audio.roundtrip.wav",
    "audio.transcriptions.default-format",
    "audio.transcriptions.json.body",
  ),
  /** The body of a refusal, whatever its status. */
  envelope: defineOwners(
    "errors.message-not-empty",
    "errors.envelope.unauthenticated",
    "errors.envelope.rate-limited",
    "errors.envelope.invalid-value",
  ),
} as const;

/** What judges the answers of one operation. */
interface OperationOwners {
  readonly path: RegExp;
  readonly answer: Owners;
  readonly stream?: Owners;
  readonly refusal: Owners;
  readonly stranger: Owners;
  readonly forbidden: Owners;
}

const UNKNOWN_ROUTE = defineOwners("errors.unknown-route", "errors.envelope.unknown-route");
const WRONG_METHOD = defineOwners("http.method.not-allowed");
const NO_CREDIT = defineOwners("billing.no-credit.refused", "limits.rate.refused");

const OPERATIONS: readonly OperationOwners[] = [
  {
    path: /^GET .*\/models$/,
    answer: OWNERS.models,
    // What else than a credential could it refuse?
    refusal: defineOwners("auth.models-list.unknown-key", "auth.models-list.missing", "auth.models-list.no-capability"),
    stranger: defineOwners("auth.models-list.unknown-key", "auth.models-list.missing"),
    forbidden: defineOwners("auth.models-list.no-capability"),
  },
  {
    path: /^GET .*\/models\//,
    answer: OWNERS.modelRetrieved,
    refusal: defineOwners("models.retrieve.unknown-refused", "errors.envelope.unknown-model-retrieve"),
    stranger: defineOwners("auth.models-retrieve.unknown-key", "auth.models-retrieve.missing"),
    forbidden: defineOwners("auth.models-retrieve.no-capability"),
  },
  {
    path: /^POST .*\/chat\/completions$/,
    answer: defineOwners("chat.completion.answers"),
    stream: defineOwners("chat.stream.content-type", "chat.stream.sdk-sees-chunks", "chat.invariants.chat-stream"),
    refusal: defineOwners("chat.refusal.missing-messages", "errors.envelope.invalid-value"),
    stranger: defineOwners("auth.chat.unknown-key", "auth.chat.missing"),
    forbidden: defineOwners("auth.chat.no-capability"),
  },
  {
    path: /^POST .*(?<!chat)\/completions$/,
    answer: defineOwners("completions.answers"),
    stream: defineOwners("completions.stream.content-type", "completions.invariants.completions-stream"),
    refusal: defineOwners("completions.refusal.prompt-type", "errors.envelope.completions"),
    stranger: defineOwners("auth.completions.unknown-key", "auth.completions.missing"),
    forbidden: defineOwners("auth.completions.no-capability"),
  },
  {
    path: /^POST .*\/responses$/,
    answer: defineOwners("responses.create.shape"),
    stream: defineOwners("responses.stream.content-type", "responses.invariants.responses-stream"),
    refusal: defineOwners("responses.refusal.input-type"),
    stranger: defineOwners("auth.responses.unknown-key", "auth.responses.missing"),
    forbidden: defineOwners("auth.responses.no-capability"),
  },
  {
    path: /^(?:GET|DELETE|POST) .*\/responses\//,
    answer: defineOwners("responses.get.shape", "responses.get.same"),
    refusal: defineOwners("responses.get.unknown-404"),
    stranger: defineOwners("auth.responses-get.unknown-key", "auth.responses-get.missing"),
    forbidden: defineOwners("auth.responses-get.no-capability"),
  },
  {
    path: /^GET .*\/chat\/completions$/,
    answer: OWNERS.storedList,
    refusal: defineOwners("responses.stored-chats.list.limit-refused"),
    stranger: defineOwners("auth.stored-chats-list.unknown-key", "auth.stored-chats-list.missing"),
    forbidden: defineOwners("auth.stored-chats-list.no-capability"),
  },
  {
    path: /^(?:GET|DELETE|POST) .*\/chat\/completions\//,
    answer: defineOwners("responses.stored-chats.get.same"),
    refusal: defineOwners("responses.stored-chats.get.unknown-404"),
    stranger: defineOwners("auth.stored-chats-get.unknown-key", "auth.stored-chats-get.missing"),
    forbidden: defineOwners("auth.stored-chats-get.no-capability"),
  },
  {
    path: /^POST .*\/embeddings$/,
    answer: defineOwners("embeddings.answers"),
    refusal: defineOwners("embeddings.refuses.no-input", "errors.envelope.embeddings"),
    stranger: defineOwners("auth.embeddings.unknown-key", "auth.embeddings.missing"),
    forbidden: defineOwners("auth.embeddings.no-capability"),
  },
  {
    path: /^POST .*\/audio\/speech$/,
    answer: defineOwners("audio.speech.default-format", "audio.speech.wav.magic"),
    stream: defineOwners("audio.speech.stream.head"),
    refusal: defineOwners("audio.speech.refuses.no-input", "errors.envelope.speech"),
    stranger: defineOwners("auth.speech.unknown-key", "auth.speech.missing"),
    forbidden: defineOwners("auth.speech.no-capability"),
  },
  {
    path: /^POST .*\/audio\/transcriptions$/,
    answer: defineOwners("audio.transcriptions.default-format", "audio.transcriptions.json.body"),
    stream: defineOwners("audio.transcriptions.stream.head"),
    refusal: defineOwners("audio.transcriptions.refuses.no-file", "errors.envelope.transcriptions"),
    stranger: defineOwners("auth.transcriptions.unknown-key", "auth.transcriptions.missing"),
    forbidden: defineOwners("auth.transcriptions.no-capability"),
  },
  {
    path: /^POST .*\/audio\/translations$/,
    answer: defineOwners("audio.translations.default-format", "audio.translations.json.body"),
    refusal: defineOwners("audio.translations.refuses.no-file", "errors.envelope.translations"),
    stranger: defineOwners("auth.translations.unknown-key", "auth.translations.missing"),
    forbidden: defineOwners("auth.translations.no-capability"),
  },
  {
    path: /^POST .*\/realtime\/client_secrets$/,
    answer: OWNERS.secretShape,
    refusal: defineOwners("realtime.secret.refuses-invalid-session"),
    stranger: defineOwners("auth.realtime-client-secrets.unknown-key", "auth.realtime-client-secrets.missing"),
    forbidden: defineOwners("auth.realtime-client-secrets.no-capability"),
  },
  {
    path: /^GET .*\/realtime$/,
    answer: OWNERS.liveOpen,
    refusal: OWNERS.liveAnyone,
    stranger: OWNERS.liveAnyone,
    forbidden: defineOwners("realtime.auth.header.no-capability"),
  },
];

/** Fields of a request that some checks are about: a refusal of such a request is theirs to judge. */
const FIELDS: Readonly<Record<string, Owners>> = {
  logprobs: defineOwners("chat.logprobs.given", "completions.logprobs.given"),
  top_logprobs: defineOwners("chat.logprobs.top-count"),
  stop: defineOwners("chat.stop.string", "completions.stop.string"),
  n: defineOwners("chat.n.choices", "completions.n.choices"),
  seed: defineOwners("chat.seed.repeatable", "errors.legal.chat.seed"),
  temperature: defineOwners("chat.params.sampling", "errors.legal.chat.temperature"),
  response_format: defineOwners("chat.format.json-object", "chat.format.json-schema"),
  tools: defineOwners("chat.tools.auto-is-answered", "chat.tools.named-is-called"),
  stream_options: defineOwners("chat.stream.usage-chunk", "completions.stream.usage"),
  echo: defineOwners("completions.echo.prompt-first"),
  suffix: defineOwners("completions.suffix"),
  store: defineOwners("responses.input.store-false"),
};

const NO_OPERATION: OperationOwners = {
  path: /^/,
  answer: UNKNOWN_ROUTE,
  refusal: UNKNOWN_ROUTE,
  stranger: UNKNOWN_ROUTE,
  forbidden: UNKNOWN_ROUTE,
};

function operationOf({ request: { method, url } }: Exchange): OperationOwners {
  const [path = ""] = url.split("?");
  return OPERATIONS.find((row) => row.path.test(`${method} ${path}`)) ?? NO_OPERATION;
}

/** Who judges that such a request is answered: its operation's own checks, and those of the fields that it has. */
export function answerOwners(exchange: Exchange): Owners {
  const { answer, stream } = operationOf(exchange);
  const fields = readFields(exchange);
  const isStreamed = fields["stream"] === true || fields["stream_format"] === "sse";
  const own = isStreamed ? (stream ?? answer) : answer;
  const ofFields = Object.entries(FIELDS).flatMap(([name, owners]) => (name in fields ? [owners] : []));
  return own.merge(...ofFields, ...shapeOwners(fields));
}

/** Who judges that such a request gets this status. */
export function statusOwners(exchange: Exchange, status: number | readonly number[]): Owners {
  const { refusal, stranger, forbidden } = operationOf(exchange);
  const [first = 0, second = 0] = [status].flat();
  if (first < 400) return answerOwners(exchange);
  if (first === 401) return second === 403 ? stranger.merge(forbidden) : stranger;
  if (first === 402 || first === 429) return NO_CREDIT;
  if (first === 403) return forbidden;
  if (first === 405) return WRONG_METHOD;
  if (first >= 500) return OWNERS.upstreamFailure;
  return refusal.merge(...mistakeOwners(exchange));
}

/** By the `response_format` of a transcript. */
export const TRANSCRIPT_OWNERS: Readonly<Record<TranscriptFormat, Owners>> = {
  json: defineOwners("audio.transcriptions.json.body", "audio.translations.json.body"),
  text: defineOwners("audio.transcriptions.text.body", "audio.translations.text.body"),
  srt: defineOwners("audio.transcriptions.srt.body", "audio.translations.srt.body"),
  vtt: defineOwners("audio.transcriptions.vtt.body", "audio.translations.vtt.body"),
  verbose_json: defineOwners("audio.transcriptions.verbose-json.body", "audio.translations.verbose-json.body"),
};
