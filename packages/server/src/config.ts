/**
 * The shape of the server's settings, the same for the file, the environment and the flags: each with its description,
 * its limits and its default. Unknown keys are refused, so a typo never passes for a setting. It reads nothing:
 * `load-config.ts` does.
 */

import { homedir } from "node:os";
import { join } from "node:path";
import { CLOCK_TOLERANCE_SECONDS_MAX } from "@openai-compat/core";
import { z } from "zod";
import { processesSchema } from "./engine-kinds/process-settings.ts";
import { aliasesSchema } from "./model-aliases.ts";
import { modelsSchema, pricesSchema } from "./model-config.ts";
import { isKeySetUrl } from "./http/fetch-key-set.ts";
import { LOG_FORMATS, LOG_LEVELS } from "./operations/log-level.ts";
import { PATH, SECRET, settingMarks } from "./settings/marks.ts";
import { count, countFromZero, milliseconds, millisecondsFromZero, perMinute } from "./settings/units.ts";
import { postgresSchema } from "./stores/postgres/settings.ts";
import { nativeSchema } from "./surfaces/native/settings.ts";
import { realtimeSchema } from "./surfaces/openai/realtime/settings.ts";
import { responsesSchema } from "./surfaces/openai/responses/settings.ts";

const limitsSchema = z.strictObject({
  bodyBytesMax: count.default(32 * 1024 * 1024).describe("Largest request body, in bytes."),
  bodiesBytesMax: count
    .default(256 * 1024 * 1024)
    .describe(
      "Request bodies in memory at the same time, in bytes; more get 429. An uploaded file counts until a local model " +
        "has decoded it, or the answer of an upstream has ended.",
    ),
  accountBodiesBytesMax: count
    .default(64 * 1024 * 1024)
    .describe(
      "Request bodies of one account in memory at the same time, in bytes; more get 429. At least bodyBytesMax; less " +
        "where many accounts send at once, so that there is always room for one more.",
    ),
  smallBodyBytesMax: countFromZero
    .default(64 * 1024)
    .describe("Request bodies up to this size, in bytes, are read however many others are; they count for nothing."),
  bodyValuesMax: count.default(100_000).describe("Most values in a JSON body: objects, arrays and what they hold."),
  bodyNumbersMax: count
    .default(300_000)
    .describe("Most numbers in the arrays of a JSON body (token ids), which are not counted as values."),
  bodyDepthMax: count.default(500).describe("Deepest nesting of objects and arrays in a JSON body."),
  bodyTimeoutMs: milliseconds.default(60_000).describe("How long a request body may take to arrive."),
  bodyStallTimeoutMs: milliseconds
    .default(15_000)
    .describe("How long nothing of a request body may arrive before it is given up."),
  headersBytesMax: count.default(32 * 1024).describe("Largest request head, in bytes."),
  headersTimeoutMs: milliseconds.default(20_000).describe("How long a request head may take to arrive."),
  idleTimeoutMs: milliseconds.default(60_000).describe("How long a connection without a request is kept."),
  connectionsMax: count.default(4096).describe("Open connections; more are closed at once."),
  streamStallTimeoutMs: milliseconds
    .default(60_000)
    .describe(
      "How long a client may leave a stream unread, all its stalls together; then the call is cancelled and its slots are " +
        "free.",
    ),
  streamHeadersAfterMs: milliseconds
    .default(5000)
    .describe("How long a streamed call may wait to begin before its headers are sent; then errors are events."),
  streamKeepAliveMs: milliseconds
    .default(15_000)
    .describe("After how much silence of a stream a comment is sent, so that proxies keep it open."),
  callTimeMsMax: milliseconds.default(600_000).describe("How long an answer may take once its call was admitted."),
  shutdownTimeoutMs: milliseconds.default(10_000).describe("How long running answers may go on after SIGTERM."),
});

const queueSchema = z.strictObject({
  waitingMax: countFromZero.default(64).describe("Calls that may wait for a slot of a model; more get 429."),
  waitTimeMsMax: milliseconds.default(120_000).describe("How long a call may wait without a slot before it gets 503."),
  accountSlotsMax: count
    .nullable()
    .default(null)
    .describe(
      "Slots of a model that one account may hold at the same time, each choice and each text counted; null: all but one " +
        "while it is alone, and beside other accounts all but what those use and one more, but no less than an equal " +
        "part. On a server for one account, the models' concurrency is right.",
    ),
});

const memorySchema = z
  .strictObject({
    modelBytesMax: count
      .nullable()
      .default(null)
      .describe(
        "What loaded models may take together, in bytes, by estimate; null: 80 % of the memory that this process may " +
          "use, and no limit where a model uses a GPU. The least recently used make room for others.",
      ),
    waitTimeMsMax: milliseconds
      .default(120_000)
      .describe("How long a call may wait until its model has room in memory; then it gets 503."),
    graceMs: z
      .int()
      .min(0)
      .max(60_000)
      .default(250)
      .describe(
        "How long, in milliseconds, a model stays in memory after its load, and after its last use while no other has " +
          "waited for as long.",
      ),
    idleUnloadMs: milliseconds
      .nullable()
      .default(1_800_000)
      .describe("After so long without a call a model is unloaded; null: never."),
    loadRetryDelayMs: milliseconds
      .default(5_000)
      .describe("For how long a model that failed to load is not tried again; doubled with each failure in a row."),
    loadRetryDelayMsMax: milliseconds.default(60_000).describe("Where the doubling ends."),
  })
  .refine((memory) => memory.loadRetryDelayMs <= memory.loadRetryDelayMsMax, {
    path: ["loadRetryDelayMsMax"],
    error: "it can't be less than loadRetryDelayMs",
  });

const authSchema = z
  .strictObject({
    jwtSecret: z
      .string()
      .min(32)
      .nullable()
      .default(null)
      .describe("Shared secret of HS256 tokens; null: made once and kept in the data directory.")
      .register(settingMarks, SECRET),
    jwtIssuer: z.string().nullable().default(null).describe("Required `iss`; null accepts any."),
    jwtAudience: z.string().nullable().default(null).describe("Required `aud`; null accepts any."),
    clockToleranceSeconds: z
      .int()
      .min(0)
      .max(CLOCK_TOLERANCE_SECONDS_MAX)
      .default(30)
      .describe("How far clocks may differ."),
    jwksUrl: z
      .string()
      .refine(isKeySetUrl, { error: "use an https URL, or http on this machine alone" })
      .nullable()
      .default(null)
      .describe("Where the issuer publishes the keys of RS256, ES256 and EdDSA tokens; null: such tokens are refused."),
    jwksMaxAgeMs: milliseconds
      .default(600_000)
      .describe("How long the issuer's keys are used without asking again; a withdrawn key ends by then."),
    jwksStaleGraceMs: millisecondsFromZero
      .default(900_000)
      .describe("How much longer they are used while the issuer does not answer; then its tokens get 503."),
    jwksCooldownMs: milliseconds
      .default(10_000)
      .describe("Least time between two fetches for unknown keys, or after a fetch that failed."),
    jwksTimeoutMs: milliseconds.default(5_000).describe("How long a fetch of the issuer's keys may take."),
    jwksBytesMax: count.default(256 * 1024).describe("Largest set of keys, in bytes."),
    jwksKeysMax: count.default(100).describe("Most keys in a set."),
  })
  .refine((auth) => auth.jwksUrl === null || (auth.jwtIssuer !== null && auth.jwtAudience !== null), {
    path: ["jwksUrl"],
    error: "it needs jwtIssuer and jwtAudience: an issuer's keys also sign tokens that are meant for others",
  });

const rateLimitsSchema = z.strictObject({
  requestsPerMinute: perMinute.default(null).describe("Calls of a model that an account may start in a minute."),
  tokensPerMinute: perMinute.default(null).describe("Tokens that an account may use in a minute, input and output."),
  refusalsPerMinute: perMinute
    .default(600)
    .describe(
      "Requests of an account that may be refused for what is in them (400, 404, 408, 413, 415, 501) in a minute; then all " +
        "of its requests with a body get 429 before it is read. Each MiB that was read counts as one more.",
    ),
  accounts: z
    .record(
      z.string().min(1).max(320),
      z.strictObject({
        requestsPerMinute: perMinute.optional(),
        tokensPerMinute: perMinute.optional(),
        refusalsPerMinute: perMinute.optional(),
      }),
    )
    .default({})
    .describe(
      'Accounts with limits of their own: { "<account>": { "requestsPerMinute", "tokensPerMinute", "refusalsPerMinute" } }.',
    ),
});

const operationsSchema = z.strictObject({
  metricsToken: z
    .string()
    .min(16)
    .nullable()
    .default(null)
    .describe(
      "Bearer token that opens /metrics. Null: direct connections from this machine alone; behind a reverse proxy " +
        "on this machine that adds no X-Forwarded-For everybody looks local, so set one there.",
    )
    .register(settingMarks, SECRET),
  readinessTimeoutMs: milliseconds.default(2000).describe("How long /readyz waits for the stores to answer."),
  writeProbeIntervalMs: milliseconds
    .default(5000)
    .describe("How long /readyz goes by its last trial write to the store before it makes another one."),
  otlpEndpoint: z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null)
    .describe("Base URL of an OpenTelemetry collector; null: OTEL_EXPORTER_OTLP_ENDPOINT, else no traces are made."),
});

const tlsSchema = z
  .strictObject({
    certPath: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe("File with this server's certificate and those that vouch for it, in PEM; null: no TLS.")
      .register(settingMarks, PATH),
    keyPath: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe("File with the private key of the certificate, in PEM; for the owner alone to read.")
      .register(settingMarks, PATH),
  })
  .refine((tls) => (tls.certPath === null) === (tls.keyPath === null), {
    path: ["keyPath"],
    error: "certPath and keyPath need each other",
  });

/** What may serve when no model is configured. */
export const DEFAULT_ENGINES = ["auto", "small", "scripted"] as const;

export const configSchema = z.strictObject({
  host: z.string().min(1).default("127.0.0.1").describe("Address to listen on."),
  port: z.int().min(0).max(65_535).default(8080).describe("Port to listen on; 0: any free one."),
  dataDirectory: z
    .string()
    .min(1)
    .default(join(homedir(), ".openai-compat"))
    .describe("Keys and the token secret.")
    .register(settingMarks, PATH),
  store: z
    .enum(["sqlite", "postgres", "memory"])
    .default("sqlite")
    .describe("Where keys and credits are kept; memory: until the server stops; postgres: shared by several servers."),
  postgres: postgresSchema.prefault({}),
  allowedOrigins: z.array(z.string().min(1)).default(["*"]).describe("Web origins that may read answers."),
  logLevel: z
    .enum(LOG_LEVELS)
    .default("info")
    .describe(`Minimum log level: ${LOG_LEVELS.join(", ")}.`),
  logFormat: z
    .enum(LOG_FORMATS)
    .default("auto")
    .describe("json: an object a line; pretty: for people; auto: pretty on a terminal, else json."),
  logFile: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe("File to append the log to; null: standard error.")
    .register(settingMarks, PATH),
  engines: z
    .enum(DEFAULT_ENGINES)
    .default("auto")
    .describe(
      "What serves when `models` is empty: the best models of the catalogue that memory and disk have room for, its " +
        "smallest, or the scripted engine.",
    ),
  tls: tlsSchema.prefault({}),
  limits: limitsSchema.prefault({}),
  queue: queueSchema.prefault({}),
  realtime: realtimeSchema.prefault({}),
  native: nativeSchema.prefault({}),
  responses: responsesSchema.prefault({}),
  memory: memorySchema.prefault({}),
  processes: processesSchema.prefault({}),
  rateLimits: rateLimitsSchema.prefault({}),
  prices: pricesSchema.prefault({}),
  auth: authSchema.prefault({}),
  operations: operationsSchema.prefault({}),
  models: modelsSchema,
  aliases: aliasesSchema,
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
