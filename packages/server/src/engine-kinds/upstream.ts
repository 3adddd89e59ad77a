/** The engine kind `upstream`: models of other servers that have OpenAI's API. */

import { MODEL_TYPES, listOperations } from "@openai-compat/core";
import { UPSTREAM_DEFAULTS, createUpstreamEngine } from "@openai-compat/engines";
import { z } from "zod";
import type { TimedFinding } from "../cli/doctor-finding.ts";
import { requestFinding } from "../cli/doctor-request.ts";
import { ConfigError } from "../config-error.ts";
import { describeThrown } from "../describe-thrown.ts";
import { SECRET, settingMarks } from "../settings/marks.ts";
import { count, milliseconds } from "../settings/units.ts";
import type { ConfiguredModel, EngineKind, Environment } from "./engine-kind.ts";
import { probeUpstream } from "./probe-upstream.ts";

const settings = z.strictObject({
  kind: z.literal("upstream").describe("A model of another server that has OpenAI's API."),
  baseUrls: z
    .array(z.url({ protocol: /^https?$/ }))
    .min(1)
    .max(64)
    .describe(
      "Where servers with OpenAI's API offer the model, each up to and with `/v1`; calls go to the least loaded.",
    ),
  model: z.string().min(1).max(200).optional().describe("The model's name there; default: the id."),
  apiKey: z
    .string()
    .min(1)
    .max(8192)
    .nullable()
    .default(UPSTREAM_DEFAULTS.apiKey)
    .describe("Sent to them, and to nobody else.")
    .register(settingMarks, SECRET),
  apiKeyEnvironment: z.string().min(1).nullable().default(null).describe("Environment variable with that key."),
  contextTokens: count.default(UPSTREAM_DEFAULTS.contextTokens).describe("Prompt and completion together."),
  completionTokensMax: count
    .nullable()
    .default(UPSTREAM_DEFAULTS.completionTokensMax)
    .describe("Sent as the limit where a request sets none; null: such an answer may fill the context."),
  passParameters: z
    .array(z.string().min(1).max(200))
    .max(100)
    .default([...UPSTREAM_DEFAULTS.passParameters])
    .describe("Parameters that are sent on although this server doesn't know what they can cost; others are dropped."),
  transcriptionModels: z
    .array(z.string().min(1).max(200))
    .max(100)
    .default([...UPSTREAM_DEFAULTS.transcriptionModels])
    .describe(
      "Other models there, by their names there, that a realtime session may name to transcribe its input; it costs what its own model costs.",
    ),
  responses: z
    .enum(["bridge", "native", "none"])
    .default("bridge")
    .describe(
      "How a chat model serves `POST /v1/responses`. `bridge`: as its chat completions. `native`: as its own responses. `none`: not at all. State is kept on this server alone.",
    ),
  zeroUsageBelieved: z
    .boolean()
    .default(UPSTREAM_DEFAULTS.zeroUsageBelieved)
    .describe("Whether a reported usage of 0 tokens is charged as 0; else it is replaced by an estimate."),
  usageWaitMs: milliseconds
    .default(UPSTREAM_DEFAULTS.usageWaitMs)
    .describe("How long the usage of a complete answer is waited for after its client has disconnected."),
  concurrency: count.max(65_536).default(UPSTREAM_DEFAULTS.concurrency).describe("Calls side by side; more wait."),
  connectTimeoutMs: milliseconds
    .default(UPSTREAM_DEFAULTS.connectTimeoutMs)
    .describe("Until a connection stands; then the next one is tried."),
  firstByteTimeoutMs: milliseconds.default(UPSTREAM_DEFAULTS.firstByteTimeoutMs).describe("Until the answer begins."),
  stallTimeoutMs: milliseconds
    .default(UPSTREAM_DEFAULTS.stallTimeoutMs)
    .describe("Between two pieces of an answer; in a realtime session, without an answer to a ping."),
  answerBytesMax: count
    .default(UPSTREAM_DEFAULTS.answerBytesMax)
    .describe("Largest answer, in bytes, also when decompressed."),
  answerValuesMax: count
    .default(UPSTREAM_DEFAULTS.answerValuesMax)
    .describe("Most values in a non-streaming JSON answer; 16 times as many in embeddings."),
  eventBytesMax: count
    .default(UPSTREAM_DEFAULTS.eventBytesMax)
    .describe("Largest event of a stream or a realtime session, in bytes."),
  breakerFailuresMax: count
    .default(UPSTREAM_DEFAULTS.breakerFailuresMax)
    .describe("Failures in a row after which a server is left alone."),
  breakerOpenMs: milliseconds.default(UPSTREAM_DEFAULTS.breakerOpenMs).describe("For how long."),
});

/** An upstream is asked for these where it has responses itself. */
const OF_RESPONSES: ReadonlySet<string> = new Set(["createResponse", "Getinputtokencounts"]);

type UpstreamModel = ConfiguredModel<z.output<typeof settings>>;

export const upstreamKind = {
  kind: "upstream",
  label: "an upstream",
  ownedBy: "upstream",
  types: MODEL_TYPES,
  settings,
  probe: ({ id, engine }, options) => probeUpstream({ ...engine, model: engine.model ?? id }, options),
  async createEngine({ id, type, engine }, { environment, publicAddressesOnly }) {
    const { kind: _kind, apiKeyEnvironment, responses, model = id, ...given } = engine;
    const apiKey = findKey(engine, environment);
    if (apiKey === undefined) {
      throw new ConfigError(`The model "${id}" wants its upstream's key in ${apiKeyEnvironment}, which is not set.`);
    }
    try {
      const upstream = createUpstreamEngine({
        ...given,
        model,
        apiKey,
        publicAddressesOnly,
        operations: listOperations(type).filter((name) => responses === "native" || !OF_RESPONSES.has(name)),
        bridgesResponses: responses === "bridge",
      });
      return { engine: upstream, source: null };
    } catch (thrown) {
      throw new ConfigError(`The upstream of the model "${id}" can't be used: ${describeThrown(thrown)}`);
    }
  },
  /** A model that one base URL serves can be served: the others' failures are then warnings. */
  async examine(model, environment) {
    const findings = await Promise.all(model.engine.baseUrls.map((url) => examineUrl(model, url, environment)));
    if (!findings.some(({ status }) => status === "ok")) return findings;
    return findings.map((finding) =>
      finding.status === "fail"
        ? { ...finding, status: "warn" as const, message: `${finding.message}; calls go to the others` }
        : finding,
    );
  },
  openTargetModels: async () => (await import("../cli/failing-upstreams.ts")).openFailingUpstreams(),
} satisfies EngineKind<z.output<typeof settings>>;

/** @returns null when none is sent; undefined when its environment variable is not set */
function findKey(
  { apiKey, apiKeyEnvironment }: UpstreamModel["engine"],
  environment: Environment,
): string | null | undefined {
  return apiKeyEnvironment === null ? apiKey : environment[apiKeyEnvironment];
}

async function examineUrl(
  { id, engine }: UpstreamModel,
  baseUrl: string,
  environment: Environment,
): Promise<TimedFinding> {
  const { origin, pathname } = new URL(baseUrl);
  const url = `${origin}${pathname.replace(/\/+$/, "")}`;
  const about = `model ${id}`;
  const key = findKey(engine, environment);
  if (key === undefined) {
    return { about, status: "fail", message: "its upstream's key is to be in an environment variable that is not set" };
  }
  return requestFinding(about, `${url}/models`, {
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
    evaluate(status) {
      if (status === 200) return { about, status: "ok", message: `${url} answers` };
      const reason = status === 401 || status === 403 ? "it refuses the key" : `it answers ${status} on /models`;
      return { about, status: status === 404 ? "warn" : "fail", message: `${url}: ${reason}` };
    },
  });
}
