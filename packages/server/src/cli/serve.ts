/** `openai-compat serve`: opens the store, gets the models, serves, and stops gracefully on a signal. */

import { Option } from "commander";
import type { Command } from "commander";
import { AiError, createModelRegistry } from "@openai-compat/core";
import type { JwtSettings, ModelType, RegisteredModel } from "@openai-compat/core";
import { createLiveDecoder, wrapProse } from "@openai-compat/engines";
import { DEFAULT_ENGINES } from "../config.ts";
import type { Config } from "../config.ts";
import { createServer } from "../create-server.ts";
import type { Logger } from "../operations/logger.ts";
import { startTracing } from "../operations/start-tracing.ts";
import type { Tracing } from "../operations/tracing.ts";
import { resolveModels } from "../resolve-models.ts";
import type { ResolvedModels } from "../resolve-models.ts";
import { createKey } from "./keys.ts";
import type { NewKeyOptions } from "./keys.ts";
import { openStores } from "../stores/open-stores.ts";
import type { Stores } from "../stores/stores.ts";
import { adviseCredits, adviseKeys } from "./start-advice.ts";
import { openLog } from "./open-log.ts";
import { findLooseFiles } from "./loose-files.ts";
import { parseCapabilities, parsePort } from "./option-values.ts";
import { createTargetRecipe, writeReadyFile } from "./ready-file.ts";
import { addSharedOptions, resolveSettings } from "./shared-options.ts";
import type { SharedOptions } from "./shared-options.ts";
import { describeSnippet } from "./snippet.ts";
import { EPHEMERAL_DEFAULTS, EPHEMERAL_SETTINGS, openEphemeralTarget } from "./ephemeral-target.ts";
import { readTls } from "./read-tls.ts";
import { resolveJwt } from "./token-secret.ts";
import { tryPort } from "./try-port.ts";
import { watchUnforeseenErrors } from "./unforeseen-errors.ts";
import type { EphemeralTarget } from "./ephemeral-target.ts";

interface ServeOptions extends SharedOptions {
  readonly host?: string;
  readonly port?: number;
  readonly engines?: Config["engines"];
  readonly model?: readonly string[];
  readonly throwaway?: true;
  readonly readyFile?: string;
}

export function addServeCommand(program: Command): void {
  addSharedOptions(program.command("serve").description("answer the OpenAI API"))
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .option("--port <number>", "port to listen on, 0 for any free one (default: 8080)", parsePort)
    .addOption(
      new Option(
        "--engines <kind>",
        "without configured models: auto, the best that this machine has room for; small, the smallest; scripted, a " +
          "stand-in without a model (default: auto, with --throwaway small)",
      ).choices(DEFAULT_ENGINES),
    )
    .option(
      "--model <id or path>",
      "serve this model: an id of `models list` or the path of a GGUF file; repeat it for several",
      (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
    )
    .option(
      "--throwaway",
      "keep nothing: keys and token secret live in memory; also lists a model with a slash in its id",
    )
    .option("--ready-file <file>", "write the base URL and tokens for a test suite here, once the server answers")
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const { host, port, engines, model } = options;
  const flags = {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(engines === undefined ? {} : { engines }),
    ...(model === undefined ? {} : { models: [...model] }),
    ...(options.throwaway === true ? EPHEMERAL_SETTINGS : {}),
  };
  const config = resolveSettings(options, flags, options.throwaway === true ? EPHEMERAL_DEFAULTS : {});
  // Before models are downloaded, and before anything is made in the data directory.
  const problem = await tryPort(config.host, config.port);
  if (problem !== null) throw problem;
  const logger = openLog(config, { isTerminal: process.stderr.isTTY, environment: process.env });
  const stop = listenForStop();
  const unforeseen = watchUnforeseenErrors({
    logger,
    onFirst: () => stop.abort(),
    stopTimeMsMax: config.limits.shutdownTimeoutMs + config.processes.exitTimeMsMax + CLOSE_TIME_MS_MAX,
  });
  // Before the store is opened, which mends the mode of its own file.
  for (const { message } of findLooseFiles(config, options.config ?? null)) {
    logger.warn("other users of this machine can get at secrets of the server", { problem: message });
  }
  const tracing = await startTracing({
    endpoint: config.operations.otlpEndpoint,
    environment: process.env,
    onProblem: (reason) => logger.warn("traces can't be sent", { reason }),
  });
  const jwt = resolveJwt(config);
  const stores = await openStores(config);
  const ephemeral = options.throwaway === true ? await openEphemeralTarget({ stores, nowMs: Date.now() }) : null;
  try {
    const resolved = await resolveModels({ config, logger, signal: stop.signal, nowMs: Date.now() }).catch(
      (thrown: unknown) => {
        if (!stop.signal.aborted) throw thrown;
        // A pull that a signal stops is not a failure.
        process.stderr.write(wrapProse(`${thrown instanceof AiError ? thrown.message : "Stopped."}\n`, process.stderr));
        return null;
      },
    );
    if (resolved !== null)
      await answer(options, { config, logger, tracing, jwt, stores, ephemeral, resolved, signal: stop.signal });
  } finally {
    await ephemeral?.close();
    await stores.close();
    await tracing?.close();
  }
  unforeseen.close();
}

/** For the stores, behind the last answer and the processes of models. */
const CLOSE_TIME_MS_MAX = 10_000;

interface ServeParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly tracing: Tracing | null;
  readonly jwt: JwtSettings;
  readonly stores: Stores;
  readonly ephemeral: EphemeralTarget | null;
  readonly resolved: ResolvedModels;
  /** Aborted when the server is to stop. */
  readonly signal: AbortSignal;
}

/** Serves until a signal stops it. */
async function answer(options: ServeOptions, parts: ServeParts): Promise<void> {
  const { config, logger, tracing, jwt, stores, ephemeral, resolved, signal } = parts;
  const { models, summary, loads, decoders, builder } = resolved;
  const tls = readTls(config);
  const server = createServer({
    config: { ...config, jwt },
    registry: createModelRegistry([...models, ...(ephemeral?.models ?? [])], config.aliases),
    builder,
    loads,
    decoders,
    createAudioDecoder: createLiveDecoder,
    tls,
    stores,
    logger,
    tracing,
  });
  const { baseUrl } = await server.listen();
  try {
    const ofTypes = findModels(models);
    process.stdout.write(wrapProse(`${summary}\n`, process.stdout));
    if (tls === null) warnWhenPublic(config.host, logger);
    await announce(stores, config, { shared: options, baseUrl, chatModel: ofTypes.chat ?? null, models });
    if (options.readyFile !== undefined) {
      const target = { baseUrl, jwt, models: ofTypes, bodyBytesMax: config.limits.bodyBytesMax };
      writeReadyFile(options.readyFile, await (ephemeral ?? PERSISTENT).describe(target));
    }
    await untilStopped(signal);
    const { shutdownTimeoutMs } = config.limits;
    logger.info("shutting down: running requests may finish; a second signal stops at once", { shutdownTimeoutMs });
  } finally {
    await server.close();
  }
}

/** A server that keeps what it has prepares nothing for a suite. */
const PERSISTENT: Pick<EphemeralTarget, "describe"> = { describe: createTargetRecipe };

/** The default of each type, or its first. */
function findModels(models: readonly RegisteredModel[]): Partial<Record<ModelType, string>> {
  const found: Partial<Record<ModelType, string>> = {};
  for (const { id, type, isDefault } of models) if (isDefault || found[type] === undefined) found[type] = id;
  return found;
}

/** The first signal asks for a graceful stop; with the second, the process ends at once. */
function listenForStop(): AbortController {
  const controller = new AbortController();
  for (const [name, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
  ] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + number);
      controller.abort();
    });
  }
  return controller;
}

async function untilStopped(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

interface Announcement {
  readonly shared: SharedOptions;
  readonly baseUrl: string;
  readonly chatModel: string | null;
  readonly models: readonly RegisteredModel[];
}

/** Without a key the server is unusable: the first start creates one and shows it once. */
async function announce(stores: Stores, config: Config, announcement: Announcement): Promise<void> {
  const { baseUrl, chatModel, models } = announcement;
  const existing = (await stores.apiKeys.list()).filter((key) => key.revokedAtMs === null);
  const key = existing.length === 0 ? (await createKey(stores.apiKeys, FIRST_KEY)).secret : null;
  const advised = { config, shared: announcement.shared };
  const advice = [
    ...adviseKeys(existing, advised),
    ...adviseCredits(models, {
      ...advised,
      account: FIRST_KEY.accountId,
      balance: await stores.credits.readBalance(FIRST_KEY.accountId),
    }),
  ];
  process.stdout.write(describeSnippet({ baseUrl, key, advice, chatModel }));
}

const FIRST_KEY: NewKeyOptions = {
  accountId: "default",
  name: "made on the first start",
  capabilities: parseCapabilities("*"),
  expiresAtMs: null,
};

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

function warnWhenPublic(host: string, logger: Logger): void {
  if (LOOPBACK.test(host)) return;
  logger.warn("listening beyond this machine, without TLS: put a reverse proxy that speaks HTTPS in front", { host });
}
