/** Defects of the models endpoints. */

import type { Model } from "../../models.ts";
import { type Mutant, mutateOperation, mutateRefusal, mutateReply, type Naming, omit } from "../mutant.ts";

/** Lists and retrieves models that lack or bend a field. */
function mutateModels(id: string, description: string, intended: string, change: (model: Model) => Model): Mutant {
  return {
    id,
    description,
    intended: [intended],
    mutate: ({ models }) => ({ models: models.map(change) }),
  };
}

/** Reads another id out of what follows `/models/`. */
function mutateModelId(naming: Naming, read: (encoded: string) => string): Mutant {
  return mutateOperation(naming, "retrieveModel", () => ({
    decode: ({ path }) => ({ fields: { model: read(path.slice("/models/".length)) } }),
  }));
}

export const modelMutants: readonly Mutant[] = [
  mutateOperation(
    { id: "models.bare-array", description: "the list is a bare array", intended: ["models.list.shape"] },
    "listModels",
    () => ({
      encode: ({ models }) => models,
    }),
  ),
  mutateOperation(
    { id: "models.without-data", description: "the list is under `models`", intended: ["models.list.shape"] },
    "listModels",
    () => ({
      encode: ({ models }) => ({ object: "list", models }),
    }),
  ),
  mutateModels("models.no-owned-by", "`owned_by` is missing", "models.list.item-fields", (model) =>
    omit(model, "owned_by"),
  ),
  mutateModels("models.object-wrong", '`object` is "engine"', "models.list.item-fields", (model) => ({
    ...model,
    object: "engine",
  })),
  mutateModels("models.created-fraction", "`created` has a fraction", "models.list.item-fields", (model) => ({
    ...model,
    created: model.created + 0.5,
  })),
  mutateModels(
    "models.created-milliseconds",
    "`created` is in milliseconds",
    "models.list.created-seconds",
    (model) => ({
      ...model,
      created: model.created * 1000,
    }),
  ),
  mutateOperation(
    { id: "models.listed-twice", description: "each model is listed twice", intended: ["models.list.unique-ids"] },
    "listModels",
    () => ({
      encode: ({ models }) => ({ object: "list", data: [...models, ...models] }),
    }),
  ),
  mutateOperation(
    {
      id: "models.chat-model-unlisted",
      description: "a model that answers is not listed",
      intended: ["models.list.names-chat-model"],
    },
    "listModels",
    () => ({
      encode: ({ models }) => ({ object: "list", data: models.slice(1) }),
    }),
  ),
  mutateModelId(
    {
      id: "models.retrieve-nothing",
      description: "plain ids are not retrievable",
      intended: ["models.retrieve.listed"],
    },
    (encoded) => (/%2F|\//.test(encoded) ? decodeURIComponent(encoded) : ""),
  ),
  mutateOperation(
    {
      id: "models.retrieve-differs",
      description: "a retrieved model has another owner than in the list",
      intended: ["models.retrieve.same-as-listed"],
    },
    "retrieveModel",
    () => ({
      encode: ({ model }) => ({ ...model, owned_by: "somebody" }),
    }),
  ),
  mutateModelId(
    {
      id: "models.percent-not-decoded",
      description: "`%2F` is looked up as it is",
      intended: ["models.retrieve.encoded-slash"],
    },
    (encoded) => encoded,
  ),
  mutateModelId(
    {
      id: "models.slash-ends-the-id",
      description: "the id ends at a raw slash",
      intended: ["models.retrieve.raw-slash"],
    },
    (encoded) => decodeURIComponent(encoded.split("/")[0] ?? ""),
  ),
  mutateReply(
    {
      id: "models.unknown-is-400",
      description: "an unknown id is a 400",
      intended: ["models.retrieve.unknown-404"],
    },
    (reply, call) => call.operation === "retrieveModel" && reply.status === 404,
    () => ({ status: 400 }),
  ),
  mutateRefusal(
    {
      id: "models.unknown-without-code",
      description: "the 404 of an unknown id has no code",
      intended: ["models.retrieve.unknown-code"],
    },
    (refusal, call) => call.operation === "retrieveModel" && refusal.name === "model_not_found",
    ({ message, type, param }) => ({ error: { message, type, param, code: null } }),
  ),
];
