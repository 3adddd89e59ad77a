import type { Model } from "../models.ts";
import type { Answer, ReferenceOperation } from "./operation.ts";

export interface ModelList extends Answer {
  readonly models: readonly Model[];
}

export const listModels: ReferenceOperation<ModelList> = {
  isBilled: false,
  decode: () => ({ fields: {} }),
  validate: () => null,
  estimate: () => 0,
  answer: (request, { models }) => ({ request, cost: 0, breaksAfter: null, models }),
  encode: ({ models }) => ({ object: "list", data: models }),
};
