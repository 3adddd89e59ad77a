/** Checks of `GET /models` and `GET /models/{model}`. */

import { type Check, defineCheck } from "../../src/check.ts";
import {
  assume,
  expectErrorEnvelope,
  expectJsonObject,
  expectSdkError,
  expectSdkValue,
  expectStatus,
  expectThat,
} from "../../src/expect.ts";
import { expectRefused, requireRefusal, requireRefusedError } from "../support/envelope.ts";
import { requireModelId, requireModels, requireSlashId, requireUnknownRetrieved } from "../support/models-calls.ts";
import { isUnixSeconds } from "../support/values.ts";
import { OWNERS } from "../support/owners.ts";

const LIST = { area: "models", level: "must", tier: "protocol", operation: "listModels", needs: [] } as const;
const RETRIEVE = { ...LIST, operation: "retrieveModel" } as const;
const UNKNOWN_ID = "conformance-no-such-model";

export const modelChecks: readonly Check[] = [
  defineCheck({
    ...LIST,
    id: "models.list.shape",
    requirement: 'The list of models is an object with `object: "list"` and an array `data`.',
    reference: "OpenAPI ListModelsResponse; openai-node core/pagination.ts Page; songquanpeng/one-api#128",
    breaks: "openai-node silently sees no model at all; openai-python raises AttributeError.",
    async run(context) {
      const outcome = await context.sdk((client) => client.models.list());
      expectStatus(outcome.exchange, 200);
      const { object, data } = expectJsonObject(outcome.exchange);
      const actual = `object ${JSON.stringify(object)}, data ${Array.isArray(data) ? "an array" : JSON.stringify(data)}`;
      const expected = 'object "list" and an array in data';
      expectThat(object === "list" && Array.isArray(data), { observer: "schema", expected, actual });
    },
  }),
  defineCheck({
    ...LIST,
    id: "models.list.item-fields",
    requirement:
      'Each listed model has a string `id`, `object: "model"`, an integer `created` and a string `owned_by`.',
    reference: "OpenAPI Model.required; openai-php/client#598; aallam/openai-kotlin#332",
    breaks: "openai-php and openai-kotlin crash on the missing field.",
    async run(context) {
      for (const model of await requireModels(context)) {
        const { id, object, created, owned_by: ownedBy } = model;
        const holds =
          typeof id === "string" &&
          id !== "" &&
          object === "model" &&
          Number.isInteger(created) &&
          typeof ownedBy === "string";
        expectThat(holds, {
          observer: "schema",
          expected: "id, object, created, owned_by",
          actual: JSON.stringify(model),
        });
      }
    },
  }),
  defineCheck({
    ...LIST,
    id: "models.list.created-seconds",
    requirement: "`created` of each model is a Unix time in seconds; 0 where it is not known.",
    reference: "OpenAPI Model.created (unixtime)",
    breaks: "Clients that turn it into a date show the year 50000 or throw.",
    async run(context) {
      for (const { created } of await requireModels(context)) {
        if (typeof created !== "number" || !Number.isInteger(created)) continue;
        const actual = String(created);
        expectThat(created === 0 || isUnixSeconds(created), {
          observer: "wire",
          expected: "seconds since 1970",
          actual,
        });
      }
    },
  }),
  defineCheck({
    ...LIST,
    id: "models.list.unique-ids",
    level: "should",
    requirement: "No id is listed twice.",
    reference: "OpenAPI ListModelsResponse",
    breaks: "Model pickers that key by id show one of the two, or crash on the duplicate key.",
    async run(context) {
      const ids = (await requireModels(context)).map((model) => model["id"]).filter((id) => typeof id === "string");
      const twice = ids.find((id, index) => ids.indexOf(id) !== index);
      expectThat(twice === undefined, { observer: "wire", expected: "unique ids", actual: `${twice} twice` });
    },
  }),
  defineCheck({
    ...LIST,
    id: "models.list.names-chat-model",
    level: "should",
    needs: ["model:chat"],
    requirement: "The model that chat requests name is in the list.",
    reference: "OpenAPI listModels; remsky/Kokoro-FastAPI#144",
    breaks: "Open WebUI and other model pickers do not offer the model, although it answers.",
    async run(context) {
      const ids = (await requireModels(context)).map((model) => model["id"]);
      const expected = `${context.models.chat} in the list`;
      expectThat(ids.includes(context.models.chat), { observer: "wire", expected, actual: JSON.stringify(ids) });
    },
  }),
  defineCheck({
    ...RETRIEVE,
    id: "models.retrieve.listed",
    requirement: "A listed id is retrievable.",
    reference: "OpenAPI retrieveModel; ollama/ollama#10139",
    breaks: "Programs that look a model up before they use it stop at a NotFoundError for one that answers.",
    async run(context) {
      const id = await requireModelId(context);
      await requireUnknownRetrieved(context);
      expectSdkValue(await context.sdk((client) => client.models.retrieve(id)));
    },
  }),
  defineCheck({
    ...RETRIEVE,
    id: "models.retrieve.same-as-listed",
    level: "should",
    requirement: "A retrieved model has the same four fields as in the list.",
    reference: "OpenAPI Model",
    breaks: "A client that refreshes one entry of its list sees another model.",
    async run(context) {
      await requireUnknownRetrieved(context);
      const listed = (await requireModels(context)).find((model) => typeof model["id"] === "string");
      const { exchange } = await context.sdk((client) => client.models.retrieve(String(listed?.["id"])));
      const model = assume("the model is retrievable", OWNERS.modelRetrieved, () => {
        expectStatus(exchange, 200);
        return expectJsonObject(exchange);
      });
      for (const field of ["id", "object", "created", "owned_by"]) {
        const [expected, actual] = [listed?.[field], model[field]].map((value) => `${field} ${JSON.stringify(value)}`);
        expectThat(expected === actual, { observer: "wire", expected: String(expected), actual: String(actual) });
      }
    },
  }),
  defineCheck({
    ...RETRIEVE,
    id: "models.retrieve.encoded-slash",
    requirement: "An id with a slash is retrievable when the slash is sent as `%2F`.",
    reference: "openai-node internal/utils/path.ts encodeURIPath; ollama/ollama#13715",
    breaks: "openai-node 6 and 7 and openai-python get 404 for every model of the `org/name` kind.",
    async run(context) {
      const id = await requireSlashId(context);
      await requireUnknownRetrieved(context);
      expectSdkValue(await context.sdk((client) => client.models.retrieve(id)));
    },
  }),
  defineCheck({
    ...RETRIEVE,
    id: "models.retrieve.raw-slash",
    requirement: "An id with a slash is retrievable when the slash is sent as it is.",
    reference: "BerriAI/litellm#37271; openai-node 4 sends ids unencoded",
    breaks: "openai-node 4, curl users and many hand-written clients get 404.",
    async run(context) {
      const id = await requireSlashId(context);
      await requireUnknownRetrieved(context);
      expectStatus(await context.wire({ method: "GET", path: `/models/${id}` }), 200);
    },
  }),
  defineCheck({
    ...RETRIEVE,
    id: "models.retrieve.unknown-refused",
    requirement: "An unknown id is refused with a 4xx, not answered.",
    reference: "openai-node client.ts shouldRetry; OpenAPI retrieveModel",
    breaks: "Programs that look a model up before they use it take one for there that is not, or a 5xx for an outage.",
    async run(context) {
      expectRefused(await requireUnknownRetrieved(context));
    },
  }),
  defineCheck({
    ...RETRIEVE,
    id: "models.retrieve.unknown-404",
    level: "should",
    requirement: "An unknown id is answered with 404.",
    reference: "openai-node core/error.ts NotFoundError",
    breaks: "The SDK throws no NotFoundError, so that clients can't tell a missing model from a broken server.",
    async run(context) {
      requireRefusal(await requireUnknownRetrieved(context));
      const outcome = await context.sdk((client) => client.models.retrieve(UNKNOWN_ID));
      expectStatus(outcome.exchange, 404);
      expectSdkError(outcome, context.officialSdk.OpenAI.NotFoundError);
    },
  }),
  defineCheck({
    ...RETRIEVE,
    id: "models.retrieve.unknown-code",
    level: "should",
    requirement: "The 404 of an unknown id has the code `model_not_found`.",
    reference: "BerriAI/litellm#37271",
    breaks: 'A client can\'t tell "no such model" from "no such endpoint".',
    async run(context) {
      const exchange = await requireUnknownRetrieved(context);
      requireRefusedError(exchange);
      expectErrorEnvelope(exchange, { code: "model_not_found" });
    },
  }),
];
