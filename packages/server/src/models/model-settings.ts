/** The settings of models that are added while the server runs, and of tasks. */

import { PATH, SECRET, settingMarks } from "../settings/marks.ts";
import { count, milliseconds, secretKey } from "../settings/units.ts";
import { z } from "zod";

export const managedModelSettings = {
  modelsMax: count.max(10_000).default(64).describe("Models that may be stored; adding one more gets 400."),
  modelSyncMs: milliseconds
    .default(2000)
    .describe("How often a server looks whether another one on its store has added, changed or removed a model."),
  privateUpstreams: z
    .boolean()
    .default(false)
    .describe(
      "Whether everybody with the capability CREATE in the domain ai may add upstreams at private addresses; operators may " +
        "in any case.",
    ),
  modelFolders: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "Folders from which everybody with the capability CREATE in the domain ai may add model files; operators may name any file.",
    )
    .register(settingMarks, PATH),
  secretKey: secretKey
    .describe(
      "Encrypts the API keys of stored models, with AES-256-GCM: 32 bytes in base64. Null: they are in the store as they are.",
    )
    .register(settingMarks, SECRET),
};

const settings = z.strictObject(managedModelSettings);

export type ManagedModelSettings = z.output<typeof settings>;
