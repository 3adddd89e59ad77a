/** Model descriptions to OpenAI's model objects. */

import type { ModelDescription } from "@openai-compat/core";
import type { ListModelsResponse, Model } from "@openai-compat/spec";

export function encodeModel(model: ModelDescription): Model {
  return {
    id: model.id,
    created: Math.floor(model.createdAtMs / 1000),
    object: "model",
    owned_by: model.ownedBy,
  };
}

export function encodeModelList(models: readonly ModelDescription[]): ListModelsResponse {
  return { object: "list", data: models.map(encodeModel) };
}
