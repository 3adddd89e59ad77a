import { expect, test } from "vitest";
import { ConfigError } from "../config-error.ts";
import { configSchema } from "../config.ts";
import { listDefaultModels } from "../default-models.ts";
import { withOwnType } from "../model-config.ts";
import { nameModel } from "./index.ts";
import { onnxEmbeddingKind } from "./onnx-embedding.ts";

const MODEL = "all-minilm-l6-v2-int8";
const MISSING = "/no/tiny.safetensors";

const host = {
  environment: {},
  publicAddressesOnly: false,
  signal: new AbortController().signal,
  pull: async ({ id }: { readonly id: string }) => ({ path: `/cache/${id}`, source: "a test" }),
  loadingOf: () => ({}),
};

function configure(engine: object) {
  const kind = "onnx-embedding" as const;
  const common = { kind, model: MODEL, truncatableVectors: false };
  return { id: "vectors", type: "embedding" as const, engine: { ...common, ...engine } };
}

test("a name of the catalogue alone is an embedding model on ONNX Runtime", () => {
  expect(nameModel(MODEL)).toMatchObject({ id: MODEL, engine: { kind: "onnx-embedding", model: MODEL } });
  const [model] = configSchema.parse({ models: [MODEL] }).models.map(withOwnType);
  expect(model).toMatchObject({ id: MODEL, type: "embedding" });
});

test.each([{ batchTokens: 0 }, { batchTokens: 65_537 }, { concurrency: 257 }, { threads: 0 }, { unknown: 1 }])(
  "the setting %j is refused",
  (engine) => {
    expect(configSchema.safeParse({ models: [configure(engine)] }).success).toBe(false);
  },
);

test("the settings of the file reach the engine, and its context is the catalogue's", async () => {
  const { engine, source } = await onnxEmbeddingKind.createEngine(
    configure({ concurrency: 3, truncatableVectors: true }),
    host,
  );
  expect(source).toBe("a test");
  expect(engine).toMatchObject({
    type: "embedding",
    isTruncatable: true,
    limits: { concurrency: 3, contextTokens: 512 },
  });
  await engine.close();
});

test("a file that is not there stops the start, is named, and doctor says the same", async () => {
  const model = configure({ model: MISSING });
  const creating = onnxEmbeddingKind.createEngine(model, host);
  await expect(creating).rejects.toThrow(ConfigError);
  await expect(creating).rejects.toThrow(new RegExp(`${MISSING}.*${MODEL}`));
  expect(await onnxEmbeddingKind.examine(model)).toEqual([
    { about: "model vectors", status: "fail", message: expect.stringContaining(MISSING) },
  ]);
  expect(await onnxEmbeddingKind.estimateBytes(model)).toBeNull();
});

test.each(["small", "auto"] as const)("the GGUF file stays the default of %s models", async (engines) => {
  const capacity = { diskBytes: 10 ** 12, memoryBytes: null };
  const { fitting } = await listDefaultModels("embedding", configSchema.parse({ engines }), capacity);
  expect(fitting.map(({ id }) => id)).toEqual(["all-minilm-l6-v2", MODEL]);
});
