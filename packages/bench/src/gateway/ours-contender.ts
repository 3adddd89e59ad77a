/**
 * Our server as it is published and as `openai-compat serve` runs it, with all that an operator switches on for paying
 * users: tokens, credits in SQLite, rate limits, the log of requests in a file. Its data lives in a directory of its
 * own and goes with it.
 */

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSqliteStores } from "@openai-compat/server";
import type { ConfigInput } from "@openai-compat/server";
import { mintBenchToken } from "../mint-bench-token.ts";
import { findFreePort, startGateway } from "./contender.ts";
import type { ContenderRecipe } from "./contender.ts";

const REPOSITORY = fileURLToPath(new URL("../../../../", import.meta.url));
export const SERVER_PROGRAM = new URL("../../../server/dist/openai-compat.js", import.meta.url);
const PROBE = new URL("probe-worker.ts", import.meta.url);

const MODEL = "bench";
const ACCOUNT = "bench";
/** More than any run can use up. */
const MICRO_CREDITS = 1_000_000_000_000_000;
/** Where the server keeps its accounts, in its data directory. In another file nobody would have credits. */
const DATABASE_FILE = "keys.sqlite";
const NEVER_REACHED_PER_MINUTE = 1_000_000_000;
const LOG_CHARACTERS_SHOWN = 2000;

/** More calls at once than any measure makes: none waits for a slot. */
const UPSTREAM = { kind: "upstream", model: "mock", apiKey: "sk-upstream", concurrency: 2048 } as const;

interface ConfigOptions {
  readonly port: number;
  readonly dataDirectory: string;
  readonly jwtSecret: string;
  readonly upstreamUrl: string;
}

function describeConfig({ port, dataDirectory, jwtSecret, upstreamUrl }: ConfigOptions): ConfigInput {
  return {
    port,
    dataDirectory,
    store: "sqlite",
    auth: { jwtSecret },
    prices: { ai_prompt: { perMillionInputTokens: 150_000, perMillionOutputTokens: 600_000 } },
    rateLimits: {
      requestsPerMinute: NEVER_REACHED_PER_MINUTE,
      tokensPerMinute: NEVER_REACHED_PER_MINUTE,
    },
    models: [{ id: MODEL, engine: { ...UPSTREAM, baseUrls: [upstreamUrl] } }],
  };
}

/** What npm gets: an operator runs the bundle, not our sources. @throws Error when it can't be built. */
export function buildServer(): void {
  const build = ["scripts/build.ts", "@openai-compat/server"];
  execFileSync(process.execPath, build, { cwd: REPOSITORY, stdio: ["ignore", "ignore", "inherit"] });
}

/** Before the server starts, so that its start holds nothing else. */
async function grantCredits(dataDirectory: string): Promise<void> {
  const stores = openSqliteStores(join(dataDirectory, DATABASE_FILE));
  try {
    const grant = { accountId: ACCOUNT, amount: MICRO_CREDITS, note: "for the benchmark", nowMs: Date.now() };
    await stores.credits.grant({ ...grant, id: "bench" });
  } finally {
    await stores.close();
  }
}

export const oursRecipe: ContenderRecipe = {
  name: "ours",
  async start(upstreamUrl) {
    const dataDirectory = await mkdtemp(join(tmpdir(), "openai-compat-bench-"));
    const forget = () => rm(dataDirectory, { recursive: true, force: true });
    const log = await open(join(dataDirectory, "server.log"), "a+");
    try {
      const port = await findFreePort();
      const jwtSecret = randomBytes(32).toString("base64url");
      const configFile = join(dataDirectory, "config.json");
      await writeFile(configFile, JSON.stringify(describeConfig({ port, dataDirectory, jwtSecret, upstreamUrl })));
      await grantCredits(dataDirectory);
      const apiKey = await mintBenchToken(jwtSecret, ACCOUNT);
      const target = { baseUrl: `http://127.0.0.1:${port}/v1`, apiKey, model: MODEL };
      const contender = await startGateway(target, SERVER_PROGRAM, {
        arguments: ["serve", "--config", configFile],
        preload: [PROBE],
        stderr: log.fd,
      });
      return {
        ...contender,
        async stop() {
          await contender.stop();
          await forget();
        },
      };
    } catch (thrown) {
      const logged = await readFile(join(dataDirectory, "server.log"), "utf8");
      await forget();
      throw new Error(`our server did not start: ${logged.slice(-LOG_CHARACTERS_SHOWN)}`, { cause: thrown });
    } finally {
      await log.close();
    }
  },
};
