/** The command line: its commands, and how it ends. 0: done. 1: it failed. 2: it was asked for something impossible. */

import { Command, CommanderError } from "commander";
import { AiError } from "@openai-compat/core";
import { wrapProse } from "@openai-compat/engines";
import packageJson from "../../package.json" with { type: "json" };
import { ConfigError } from "../config-error.ts";
import { CommandFailure } from "./command-failure.ts";
import { addCreditsCommand } from "./credits.ts";
import { addDoctorCommand } from "./doctor.ts";
import { describeCommand } from "./invocation.ts";
import { addKeysCommand } from "./keys.ts";
import { addModelsCommand } from "./models.ts";
import { addServeCommand } from "./serve.ts";
import { addSettingsCommand } from "./settings-command.ts";
import { addTokenCommand } from "./token.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** @param args without the program's own name. @returns the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  // The reader of the output may close it (`| head`, a log collector that restarts): that must not end a server.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const program = new Command(describeCommand("").trimEnd())
    .description("An OpenAI-compatible AI server with local models.")
    .version(packageJson.version)
    .showHelpAfterError("(--help says more)");
  addServeCommand(program);
  addTokenCommand(program);
  addKeysCommand(program);
  addCreditsCommand(program);
  addModelsCommand(program);
  addSettingsCommand(program);
  addDoctorCommand(program);
  throwInsteadOfExit(program);
  try {
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (thrown) {
    return reportFailure(thrown);
  }
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
}

function reportFailure(thrown: unknown): number {
  // Commander has written its own message.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_USAGE;
  process.stderr.write(wrapProse(`error: ${describeFailure(thrown)}\n`, process.stderr));
  return thrown instanceof ConfigError ? EXIT_USAGE : EXIT_FAILED;
}

function describeFailure(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const code = "code" in thrown ? thrown.code : undefined;
  if (code === "EADDRINUSE" && "port" in thrown) {
    return `Port ${String(thrown.port)} is used by another program, which may be another server of yours. Choose another with --port.`;
  }
  const isForeseen =
    thrown instanceof ConfigError ||
    thrown instanceof CommandFailure ||
    thrown instanceof AiError ||
    code !== undefined;
  return isForeseen ? thrown.message : (thrown.stack ?? thrown.message);
}
