/** `openai-compat settings`: every setting with its environment variable and default, made from the schema. */

import { homedir } from "node:os";
import type { Command } from "commander";
import { wrapProse } from "@openai-compat/engines";
import { listSettings } from "../load-config.ts";
import { describeCommand } from "./invocation.ts";
import { renderSettingsPage } from "./settings-page.ts";

export function addSettingsCommand(program: Command): void {
  program
    .command("settings")
    .description("list every setting of the file and the environment; flags win over both")
    .option("--markdown", "as a page with tables, with the keys of a model's entry")
    .action((options: { readonly markdown?: true }) => {
      if (options.markdown === true) process.stdout.write(`${renderSettingsPage(homedir())}\n`);
      else process.stdout.write(wrapProse(describeSettings(), process.stdout));
    });
}

function describeSettings(): string {
  const lines = listSettings().map(({ path, environmentName, description, defaultValue }) => {
    const source = environmentName === null ? "" : ` or ${environmentName}`;
    return `${path.join(".")}${source} = ${JSON.stringify(defaultValue)}\n    ${description}\n`;
  });
  return `${lines.join("")}The keys of a model's entry are listed by ${describeCommand("settings --markdown")}\n`;
}
