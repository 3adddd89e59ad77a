/** `openai-compat models`: shows the catalogue and fills the cache that all commands share. */

import type { Command } from "commander";
import { cacheDirectory, findCachedModel, listCatalogue } from "@openai-compat/engines";
import { ConfigError } from "../load-config.ts";
import { pullWithProgress } from "../resolve-models.ts";

export function addModelsCommand(program: Command): void {
  const models = program.command("models").description("local models");

  models
    .command("list")
    .description("list the models that can be pulled")
    .action(async () => {
      for (const entry of listCatalogue()) {
        const cached = await findCachedModel(entry.id);
        const state = cached === null ? "not pulled" : `in ${cached.path}`;
        const size = `${Math.round(entry.artefact.sizeBytes / 1_000_000)} MB`;
        process.stdout.write(`${[entry.id, entry.type, entry.name, size, entry.licence, state].join("\t")}\n`);
      }
      process.stderr.write(`Cache: ${cacheDirectory()}\n`);
    });

  models
    .command("pull")
    .description("fetch a model into the cache, verify it and print its path")
    .argument("[id]", "a model of the list; default: the first")
    .action(async (id: string | undefined) => {
      const catalogue = listCatalogue();
      const entry = id === undefined ? catalogue[0] : catalogue.find((candidate) => candidate.id === id);
      if (entry === undefined) {
        const known = catalogue.map((model) => model.id).join(", ");
        throw new ConfigError(
          `The catalogue has no model "${id}". It has ${known}. A GGUF file of your own needs no pull: ` +
            "give its path to serve --model, or to `models` in the settings.",
        );
      }
      const leaving = new AbortController();
      process.once("SIGINT", () => leaving.abort());
      const { path } = await pullWithProgress(entry, leaving.signal);
      process.stdout.write(`${path}\n`);
    });
}
