/** `openai-compat settings`: every setting with its environment variable and default, made from the schema. */

import type { Command } from "commander";
import { listSettings } from "../config.ts";

export function addSettingsCommand(program: Command): void {
  program
    .command("settings")
    .description("list every setting of the file and the environment; flags win over both")
    .action(() => {
      for (const { path, environmentName, description, defaultValue } of listSettings()) {
        const source = environmentName === null ? "" : ` or ${environmentName}`;
        process.stdout.write(`${path.join(".")}${source} = ${JSON.stringify(defaultValue)}\n    ${description}\n`);
      }
    });
}
