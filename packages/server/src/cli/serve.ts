/** `openai-compat serve`: opens the store, gets the models, answers, and stops gracefully when it is told to. */

import { Option } from "commander";
import type { Command } from "commander";
import { createModelRegistry } from "@openai-compat/core";
import type { ModelType, RegisteredModel } from "@openai-compat/core";
import type { Config } from "../config.ts";
import { createServer } from "../create-server.ts";
import { createLogger } from "../operations/logger.ts";
import type { Logger } from "../operations/logger.ts";
import { startTracing } from "../operations/start-tracing.ts";
import type { Tracing } from "../operations/tracing.ts";
import { resolveModels } from "../resolve-models.ts";
import type { ResolvedModels } from "../resolve-models.ts";
import { createKey, openHome } from "./home.ts";
import type { Home } from "./home.ts";
import { parseCapabilities, parsePort } from "./option-values.ts";
import { createTargetRecipe, writeReadyFile } from "./ready-file.ts";
import { addSharedOptions, resolveSettings } from "./shared-options.ts";
import type { SharedOptions } from "./shared-options.ts";
import { describeSnippet } from "./snippet.ts";
import { THROWAWAY_SETTINGS, openThrowaway } from "./throwaway.ts";
import type { Throwaway } from "./throwaway.ts";

interface ServeOptions extends SharedOptions {
  readonly host?: string;
  readonly port?: number;
  readonly engines?: "auto" | "scripted";
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
        "without configured models: the best that can be had, or none (default: auto)",
      ).choices(["auto", "scripted"]),
    )
    .option(
      "--throwaway",
      "keep nothing: keys and token secret live in memory; also lists a model with a slash in its id",
    )
    .option("--ready-file <file>", "write the base URL and tokens for a test suite here, once the server answers")
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const { host, port, engines } = options;
  const config = resolveSettings(options, {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(engines === undefined ? {} : { engines }),
    ...(options.throwaway === true ? THROWAWAY_SETTINGS : {}),
  });
  const logger = createLogger({ level: config.logLevel });
  const stop = listenForStop();
  const tracing = await startTracing({
    endpoint: config.operations.otlpEndpoint,
    environment: process.env,
    onProblem: (reason) => logger.warn("traces can't be sent", { reason }),
  });
  const home = await openHome(config);
  const throwaway = options.throwaway === true ? await openThrowaway(Date.now()) : null;
  try {
    const resolved = await resolveModels({ config, logger, signal: stop.signal, nowMs: Date.now() }).catch(
      (thrown: unknown) => {
        // A pull that was told to stop is no failure.
        if (stop.signal.aborted) return null;
        throw thrown;
      },
    );
    if (resolved !== null)
      await answer(options, { config, logger, tracing, home, throwaway, resolved, signal: stop.signal });
  } finally {
    await throwaway?.close();
    await home.stores.close();
    await tracing?.close();
  }
}

interface ServeParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly tracing: Tracing | null;
  readonly home: Home;
  readonly throwaway: Throwaway | null;
  readonly resolved: ResolvedModels;
  /** Aborted when the server is to stop. */
  readonly signal: AbortSignal;
}

/** Answers until it is told to stop. */
async function answer(options: ServeOptions, parts: ServeParts): Promise<void> {
  const { config, logger, tracing, home, throwaway, resolved, signal } = parts;
  const { jwt, stores } = home;
  const { models, summary, loads } = resolved;
  const server = createServer({
    config: { ...config, jwt },
    registry: createModelRegistry([...models, ...(throwaway?.models ?? [])]),
    loads,
    stores,
    logger,
    tracing,
  });
  const { baseUrl } = await server.listen();
  try {
    const chatModel = findModel(models, "chat");
    const embeddingModel = findModel(models, "embedding");
    process.stdout.write(`${summary}\n`);
    warnWhenPublic(config.host, logger);
    await announce(home, { baseUrl, chatModel });
    if (options.readyFile !== undefined) {
      const target = { baseUrl, jwt, chatModel, embeddingModel, stores, bodyBytesMax: config.limits.bodyBytesMax };
      writeReadyFile(options.readyFile, await (throwaway ?? PERSISTENT).describe(target));
    }
    await untilStopped(signal);
  } finally {
    await server.close();
  }
}

/** A server that keeps what it has prepares nothing for a suite. */
const PERSISTENT: Pick<Throwaway, "describe"> = { describe: createTargetRecipe };

function findModel(models: readonly RegisteredModel[], wanted: ModelType): string | null {
  const fitting = models.filter(({ type }) => type === wanted);
  return (fitting.find(({ isDefault }) => isDefault) ?? fitting[0])?.id ?? null;
}

/** The first signal asks for a graceful stop; with the second, the process ends at once. */
function listenForStop(): { readonly signal: AbortSignal } {
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
  process.stderr.write("Stopping: running answers may finish. Signal again to stop at once.\n");
}

/** Without a key nobody could use the server: the first start makes one and shows it once. */
async function announce(home: Home, target: { baseUrl: string; chatModel: string | null }): Promise<void> {
  const hasKey = (await home.stores.apiKeys.list()).some((key) => key.revokedAtMs === null);
  if (hasKey) {
    process.stdout.write(`Answering at ${target.baseUrl}. New key: openai-compat keys create\n`);
    return;
  }
  const { secret } = await createKey(home.stores.apiKeys, {
    accountId: "default",
    name: "made on the first start",
    capabilities: parseCapabilities("*"),
    expiresAtMs: null,
  });
  process.stdout.write(describeSnippet({ ...target, key: secret }));
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

function warnWhenPublic(host: string, logger: Logger): void {
  if (LOOPBACK.test(host)) return;
  logger.warn("listening beyond this machine, without TLS: put a reverse proxy that speaks HTTPS in front", { host });
}
