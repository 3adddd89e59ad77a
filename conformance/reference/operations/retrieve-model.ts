import type { Model } from "../models.ts";
import { makeRefusal } from "../refusal.ts";
import type { Answer, ReferenceOperation } from "./operation.ts";

export interface FoundModel extends Answer {
  readonly model: Model;
}

const PREFIX = "/models/";

export const retrieveModel: ReferenceOperation<FoundModel> = {
  isBilled: false,
  decode: ({ path }) => ({ fields: { model: decodeURIComponent(path.slice(PREFIX.length)) } }),
  validate: () => null,
  serves: () => true,
  estimate: () => 0,
  answer(request, { models }) {
    const model = models.find(({ id }) => id === request["model"]);
    return model === undefined
      ? makeRefusal("model_not_found", { param: "model" })
      : { request, cost: 0, breaksAfter: null, model };
  },
  encode: ({ model }) => model,
};
