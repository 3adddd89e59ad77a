/**
 * Our server as `openai-compat serve` runs it, with all that an operator switches on for paying users: tokens, credits in
 * SQLite, rate limits, the log of requests in a file. Its data lives in a directory of its own and goes with it.
 */

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { mintToken } from "@openai-compat/core";
import type { ConfigInput } from "@openai-compat/server";
import { findFreePort, startGateway } from "./contender.ts";
import type { ContenderRecipe } from "./contender.ts";

const PROGRAM = new URL("../../../server/src/launcher.ts", import.meta.url);
const PROBE = new URL("probe-worker.ts", import.meta.url);

const MODEL = "bench";
const ACCOUNT = "bench";
/** More than any run can use up. */
const CREDITS = "1000000000";
const NEVER_REACHED_PER_MINUTE = 1_000_000_000;
const LOG_CHARACTERS_SHOWN = 2000;

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
    models: [
      { id: MODEL, engine: { kind: "upstream", baseUrls: [upstreamUrl], model: "mock", apiKey: "sk-upstream" } },
    ],
  };
}

function mintAccountToken(jwtSecret: string): Promise<string> {
  return mintToken({
    settings: { secret: jwtSecret, issuer: null, audience: null, clockToleranceSeconds: 0 },
    accountId: ACCOUNT,
    appName: "bench",
    capabilities: [{ domain: "ai", pointers: ["*"], can: ["PROMPT"] }],
    expiresInSeconds: 86_400,
  });
}

async function grantCredits(configFile: string): Promise<void> {
  const command = [fileURLToPath(PROGRAM), "credits", "grant", ACCOUNT, CREDITS, "--config", configFile];
  await promisify(execFile)(process.execPath, command);
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
      await grantCredits(configFile);
      const apiKey = await mintAccountToken(jwtSecret);
      const target = { baseUrl: `http://127.0.0.1:${port}/v1`, apiKey, model: MODEL };
      const contender = await startGateway(target, PROGRAM, {
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
