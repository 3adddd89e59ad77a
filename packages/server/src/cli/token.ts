/** `openai-compat token`: signs tokens with the server's own secret, and revokes tokens of any issuer. */

import { Option } from "commander";
import type { Command } from "commander";
import { describeRevocation, mintToken } from "@openai-compat/core";
import type { GrantedCapability } from "@openai-compat/core";
import { ConfigError } from "../config-error.ts";
import { isPersistent, openStores, requirePersistent } from "../stores/open-stores.ts";
import { describeCommand } from "./invocation.ts";
import { capabilitiesOption, parseDurationSeconds } from "./option-values.ts";
import { addSharedOptions, resolveSettings } from "./shared-options.ts";
import type { SharedOptions } from "./shared-options.ts";
import { resolveJwt } from "./token-secret.ts";

interface MintOptions extends SharedOptions {
  readonly account: string;
  readonly app: string;
  readonly can: GrantedCapability[];
  readonly expiresIn: number;
}

export function addTokenCommand(program: Command): void {
  const token = program.command("token").description("make and revoke tokens");
  addSharedOptions(token.command("mint").description("sign a token (JWT, HS256) and print it"))
    .option("--account <id>", "the account that it acts for", "default")
    .option("--app <name>", "the application that will hold it", "openai-compat")
    .addOption(capabilitiesOption())
    .addOption(
      new Option("--expires-in <time>", "such as 15m or 12h")
        .argParser(parseDurationSeconds)
        .default(parseDurationSeconds("1h"), "1h"),
    )
    .action(async (options: MintOptions) => {
      const config = resolveSettings(options);
      if (!isPersistent(config) && config.auth.jwtSecret === null) {
        throw new ConfigError("With a store in memory, set auth.jwtSecret: a server would not know another secret.");
      }
      const minted = await mintToken({
        settings: resolveJwt(config),
        accountId: options.account,
        appName: options.app,
        capabilities: options.can,
        expiresInSeconds: options.expiresIn,
      });
      process.stdout.write(`${minted}\n`);
    });

  addSharedOptions(
    token.command("revoke").description("refuse a token from now on").argument("<token>", "the JWT"),
  ).action(revoke);
}

/** What has expired is forgotten on the way, so the list holds no more than the tokens that would still be accepted. */
async function revoke(token: string, options: SharedOptions): Promise<void> {
  const config = resolveSettings(options);
  requirePersistent(config, "no revocation would reach a server.");
  const revocation = describeRevocation(token);
  if (revocation === null) {
    throw new ConfigError(
      `This is not a JWT with an expiry. An API key is revoked by its id: ${describeCommand("keys revoke ID")}`,
    );
  }
  const stores = await openStores(config);
  try {
    await stores.tokenRevocations.prune(Date.now());
    await stores.tokenRevocations.revoke(revocation.tokenSha256, revocation.expiresAtMs);
    process.stderr.write("Revoked. Servers on this store refuse the token from now on.\n");
  } finally {
    await stores.close();
  }
}
