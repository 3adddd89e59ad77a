/** `openai-compat models`: shows the catalogue and fills the cache that all commands share. */

import type { Command } from "commander";
import { cacheDirectory, findCachedModel, listCatalogue } from "@openai-compat/engines";
import { ConfigError } from "../config-error.ts";
import { pullWithProgress } from "../pull-with-progress.ts";
import { renderTable } from "./print-table.ts";

const MODEL_COLUMNS = ["id", "type", "size", "licence", "state"];

export function addModelsCommand(program: Command): void {
  const models = program.command("models").description("local models");

  models
    .command("list")
    .description("list the models that can be pulled")
    .action(async () => {
      const rows: string[][] = [];
      for (const entry of listCatalogue()) {
        const state = (await findCachedModel(entry.id)) === null ? "not pulled" : "in the cache";
        const size = `${Math.round(entry.artefact.sizeBytes / 1_000_000)} MB`;
        rows.push([entry.id, entry.type, size, entry.licence, state]);
      }
      process.stdout.write(renderTable({ header: MODEL_COLUMNS, rows }, process.stdout.isTTY));
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
