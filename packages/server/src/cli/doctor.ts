/** `openai-compat doctor`: looks whether a server would start and work with these settings, and changes nothing. */

import type { Command } from "commander";
import { wrapProse } from "@openai-compat/engines";
import { ConfigError } from "../config-error.ts";
import type { Config } from "../config.ts";
import { CommandFailure } from "./command-failure.ts";
import type { Finding } from "./doctor-finding.ts";
import { addSharedOptions, resolveSettings } from "./shared-options.ts";
import type { SharedOptions } from "./shared-options.ts";

interface DoctorOptions extends SharedOptions {
  readonly json?: true;
}

export function addDoctorCommand(program: Command): void {
  addSharedOptions(
    program.command("doctor").description("check settings, files, store, models, memory, port and clock"),
  )
    .option("--json", "print the findings as JSON")
    .action(async (options: DoctorOptions) => {
      const findings = await examine(options);
      process.stdout.write(options.json === true ? `${JSON.stringify(findings, null, 2)}\n` : describe(findings));
      const failed = findings.filter(({ status }) => status === "fail").length;
      if (failed > 0) throw new CommandFailure(`${failed} of ${findings.length} checks failed.`);
    });
}

async function examine(options: SharedOptions): Promise<readonly Finding[]> {
  const about = "configuration";
  let config: Config;
  try {
    config = resolveSettings(options);
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return [{ about, status: "fail", message: thrown.message }];
  }
  const source = options.config ?? "the defaults and the environment";
  const found: Finding = { about, status: "ok", message: `${source} can be used` };
  // Loaded here: no other command needs these.
  const [files, store, models, memory, network] = await Promise.all([
    import("./doctor-files.ts"),
    import("./doctor-store.ts"),
    import("./doctor-models.ts"),
    import("./doctor-memory.ts"),
    import("./doctor-network.ts"),
  ]);
  const ofModels = await models.examineModels(config, process.env);
  const findings = [
    found,
    ...files.examineFiles(config, options.config ?? null),
    await store.examineStore(config),
    ...ofModels,
    ...(await memory.examineMemory(config)),
    ...(await network.examineNetwork(config, ofModels)),
  ];
  return findings.map(({ about: subject, status, message }) => ({ about: subject, status, message }));
}

function describe(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ about }) => about.length));
  return findings
    .map(({ status, about, message }) => {
      const start = `${status.padEnd(4)}  ${about.padEnd(width)}  `;
      // Wrapped under itself.
      return `${start}${wrapProse(" ".repeat(start.length) + message, process.stdout).slice(start.length)}\n`;
    })
    .join("");
}
