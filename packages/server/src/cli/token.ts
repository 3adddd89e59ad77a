/** `openai-compat token mint`: signs a token with the server's own secret. */

import type { Command } from "commander";
import { mintToken } from "@openai-compat/core";
import type { GrantedCapability } from "@openai-compat/core";
import { ConfigError } from "../config.ts";
import { openHome } from "./home.ts";
import { parseCapabilities, parseDurationSeconds } from "./option-values.ts";
import { addSharedOptions, resolveSettings } from "./shared-options.ts";
import type { SharedOptions } from "./shared-options.ts";

interface MintOptions extends SharedOptions {
  readonly account: string;
  readonly app: string;
  readonly can: GrantedCapability[];
  readonly expiresIn: number;
}

export function addTokenCommand(program: Command): void {
  const token = program.command("token").description("make tokens");
  addSharedOptions(token.command("mint").description("sign a token (JWT, HS256) and print it"))
    .option("--account <id>", "the account that it acts for", "default")
    .option("--app <name>", "the application that will hold it", "openai-compat")
    .option("--can <verbs>", "what it may do, separated by commas", parseCapabilities, parseCapabilities("*"))
    .option("--expires-in <time>", "such as 15m or 12h", parseDurationSeconds, parseDurationSeconds("1h"))
    .action(async (options: MintOptions) => {
      const config = resolveSettings(options);
      if (config.store === "memory" && config.auth.jwtSecret === null) {
        throw new ConfigError("With a store in memory, set auth.jwtSecret: a server would not know another secret.");
      }
      const { stores, jwt } = await openHome(config);
      await stores.close();
      const minted = await mintToken({
        settings: jwt,
        accountId: options.account,
        appName: options.app,
        capabilities: options.can,
        expiresInSeconds: options.expiresIn,
      });
      process.stdout.write(`${minted}\n`);
    });
}
