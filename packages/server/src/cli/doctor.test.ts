import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MODEL_PROCESS_BYTES, estimateLocalBytes } from "@openai-compat/engines";
import { writeRandomModel } from "@openai-compat/engines/testing";
import { afterEach, expect, test, vi } from "vitest";
import { configSchema } from "../config.ts";
import type { Config, ConfigInput } from "../config.ts";
import { openSqliteStores } from "../stores/sqlite.ts";
import { startTestServer } from "../testing/test-server.ts";
import { examineFiles } from "./doctor-files.ts";
import { examineMemory } from "./doctor-memory.ts";
import { examineModels } from "./doctor-models.ts";
import { examineNetwork } from "./doctor-network.ts";
import { examineStore } from "./doctor-store.ts";
import { runCommandLine } from "./program.ts";

const STRONG_SECRET = "Zq3v8Kx1Lw0Rt5Yb7Nc2Md9Pf4Gh6JsA";
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

function newDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "openai-compat-doctor-"));
  cleanUps.push(() => rmSync(path, { recursive: true }));
  return path;
}

const configure = (input: ConfigInput) => configSchema.parse({ engines: "scripted", port: 0, ...input });
const statusOf = (findings: readonly { about: string; status: string }[], about: string) =>
  findings.find((finding) => finding.about === about)?.status;

/** What is found of the models and the network, as the command asks for both. */
async function examineOthers(config: Config) {
  const models = await examineModels(config, {});
  return [...models, ...(await examineNetwork(config, models))];
}

/** Something that speaks HTTP. @returns its base URL. */
async function answer(listener: RequestListener): Promise<string> {
  const server = createHttpServer(listener).listen(0, "127.0.0.1");
  cleanUps.push(() => server.close().closeAllConnections());
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("It listens on no port.");
  return `http://127.0.0.1:${address.port}/v1`;
}

function upstream(baseUrl: string, apiKey: string | null = null): ConfigInput {
  return { models: [{ id: "far", engine: { kind: "upstream", baseUrls: [baseUrl], apiKey } }] };
}

test("a fresh installation has nothing wrong, and looking at it makes nothing", async () => {
  const directory = newDirectory();
  const config = configure({ dataDirectory: join(directory, "data") });
  const findings = [...examineFiles(config, null), await examineStore(config), ...(await examineNetwork(config, []))];
  expect(findings.map(({ about, status }) => [about, status])).toEqual([
    ["data directory", "ok"],
    ["token secret", "ok"],
    ["store", "ok"],
    ["port", "ok"],
  ]);
  expect(readdirSync(directory)).toEqual([]);
});

test.each([
  [0o755, 0o600, "warn"],
  [0o700, 0o644, "warn"],
  [0o700, 0o600, "ok"],
])("a data directory with mode %o and a secret with mode %o is %s", (directoryMode, secretMode, status) => {
  const dataDirectory = newDirectory();
  const secret = join(dataDirectory, "jwt-secret");
  writeFileSync(secret, STRONG_SECRET);
  chmodSync(secret, secretMode);
  chmodSync(dataDirectory, directoryMode);
  expect(statusOf(examineFiles(configure({ dataDirectory }), null), "data directory")).toBe(status);
});

test.each([
  ["short", "fail"],
  ["a".repeat(64), "warn"],
  [STRONG_SECRET, "ok"],
])("the token secret %s is %s", (secret, status) => {
  const dataDirectory = newDirectory();
  writeFileSync(join(dataDirectory, "jwt-secret"), secret);
  expect(statusOf(examineFiles(configure({ dataDirectory }), null), "token secret")).toBe(status);
});

test("a data directory that is a file, or below one, can't be used", () => {
  const file = join(newDirectory(), "file");
  writeFileSync(file, "");
  for (const dataDirectory of [file, join(file, "data")]) {
    expect(statusOf(examineFiles(configure({ dataDirectory }), null), "data directory")).toBe("fail");
  }
});

test("a configuration file that holds a secret and that others may read is warned about", () => {
  const file = join(newDirectory(), "config.json");
  writeFileSync(file, "{}", { mode: 0o644 });
  const config = configure({ store: "memory", auth: { jwtSecret: STRONG_SECRET } });
  expect(statusOf(examineFiles(config, file), "configuration")).toBe("warn");
  chmodSync(file, 0o600);
  expect(statusOf(examineFiles(config, file), "configuration")).toBeUndefined();
});

test("a store is opened and judged, and a damaged one is a failure", async () => {
  const dataDirectory = newDirectory();
  const config = configure({ dataDirectory });
  const path = join(dataDirectory, "keys.sqlite");
  await openSqliteStores(path).close();
  expect(await examineStore(config)).toMatchObject({ status: "ok", message: expect.stringContaining("up to date") });
  writeFileSync(path, "no database at all".repeat(100));
  expect(await examineStore(config)).toMatchObject({ status: "fail" });
});

test("a PostgreSQL that can't be reached is a failure, and its password is not shown", async () => {
  const url = "postgresql://ada:my-password@127.0.0.1:1/credits";
  const finding = await examineStore(configure({ store: "postgres", postgres: { url } }));
  expect(finding).toMatchObject({ status: "fail", message: expect.stringContaining("127.0.0.1:1/credits") });
  expect(finding.message).not.toContain("my-password");
});

test.each([
  [200, "ok"],
  [401, "fail"],
  [404, "warn"],
  [500, "fail"],
])("an upstream that answers %i is %s, and its key is not shown", async (status, expected) => {
  const baseUrl = await answer((_incoming, outgoing) => outgoing.writeHead(status).end("{}"));
  const findings = await examineOthers(configure(upstream(baseUrl, "sk-upstream-secret")));
  expect(statusOf(findings, "model far")).toBe(expected);
  expect(statusOf(findings, "clock")).toBe("ok");
  expect(JSON.stringify(findings)).not.toContain("sk-upstream-secret");
});

test("an upstream that is not there is a failure", async () => {
  expect(statusOf(await examineOthers(configure(upstream("http://127.0.0.1:1/v1"))), "model far")).toBe("fail");
});

test("an upstream at a port that browsers refuse is asked like any other", async () => {
  const findings = await examineOthers(configure(upstream("http://127.0.0.1:6667/v1")));
  expect(JSON.stringify(findings)).not.toContain("bad port");
  expect(JSON.stringify(findings)).toContain("127.0.0.1:6667");
});

test("of several upstreams, one that is not there is a warning as long as another answers", async () => {
  const good = await answer((_incoming, outgoing) => outgoing.writeHead(200).end("{}"));
  const dead = "http://127.0.0.1:1/v1";
  const examine = async (...baseUrls: string[]) => {
    const config = configure({ models: [{ id: "far", engine: { kind: "upstream", baseUrls } }] });
    return (await examineOthers(config)).filter(({ about }) => about === "model far");
  };
  expect(await examine(dead, good)).toMatchObject([
    { status: "warn", message: expect.stringContaining("calls go to the others") },
    { status: "ok" },
  ]);
  expect((await examine(dead, dead)).map(({ status }) => status)).toEqual(["fail", "fail"]);
});

test("a clock that differs by more than the tolerance is warned about", async () => {
  const date = new Date(Date.now() + 120_000).toUTCString();
  const baseUrl = await answer((_incoming, outgoing) => outgoing.writeHead(200, { date }).end("{}"));
  const findings = await examineOthers(configure(upstream(baseUrl)));
  expect(findings).toContainEqual(
    expect.objectContaining({ about: "clock", status: "warn", message: expect.stringMatching(/12\d s|11\d s/) }),
  );
});

test("a port is free, taken by a server of this kind, or taken by another", async () => {
  const { server, baseUrl } = await startTestServer();
  cleanUps.push(() => server.close());
  const portOf = (url: string) => Number(new URL(url).port);
  const other = await answer((_incoming, outgoing) => outgoing.end("hello"));
  const judge = async (port: number) => statusOf(await examineNetwork(configure({ port }), []), "port");
  expect([await judge(0), await judge(portOf(baseUrl)), await judge(portOf(other))]).toEqual(["ok", "warn", "fail"]);
});

test.each([
  ["/nowhere/model.gguf", "fail", /neither a file/],
  [import.meta.filename, "fail", /not a GGUF file/],
])("the model file %s is a failure", async (model, status, message) => {
  const findings = await examineModels(configure({ models: [{ id: "near", engine: { kind: "llama", model } }] }), {});
  expect(findings).toContainEqual({ about: "model near", status, message: expect.stringMatching(message) });
});

test("a process is started that loads the library of the models, as their loads do, and the limits in force are named", async () => {
  const engine = { kind: "llama" as const, model: "/nowhere/model.gguf" };
  const examine = (processes: ConfigInput["processes"]) =>
    examineModels(configure({ models: [{ id: "near", engine }], processes }), {});
  const good = await examine({ exitTimeMsMax: 1234 });
  const loads = expect.stringMatching(/^a process of its own loads it in \d+\.\d s and takes \d+ MB$/);
  expect(good).toContainEqual({ about: "llama library", status: "ok", message: loads });
  expect(good).toContainEqual({
    about: "processes",
    status: "ok",
    message: expect.stringContaining("1234 ms of exiting"),
  });
  const late = expect.stringContaining("did not load the model within 1 ms");
  expect(await examine({ loadTimeMsMax: 1 })).toContainEqual({ about: "llama library", status: "fail", message: late });
});

test("without configured models, those that hear and speak are looked for too", async () => {
  const findings = await examineModels(configure({ engines: "small" }), {});
  for (const [type, id] of [
    ["transcription", "whisper-tiny.en"],
    ["speech", "hibari"],
  ] as const) {
    const found = findings.find(({ about }) => about === `${type} model`);
    // What is in the cache, and whether ONNX Runtime runs, is the machine's.
    expect(found?.message).toMatch(
      new RegExp(`^(?:${id.replace(".", "\\.")} is (?:not )?in the cache|none is served: )`),
    );
    expect(found?.status).toBe(found?.message === `${id} is in the cache` ? "ok" : "warn");
  }
});

test("models that can't fit the memory alone fail, and those that can't together take turns", async () => {
  const model = join(newDirectory(), "model.gguf");
  await writeRandomModel(model);
  const engine = { kind: "llama" as const, model, contextTokens: 1024, concurrency: 2 };
  const estimated = await estimateLocalBytes({
    type: "chat",
    settings: { modelPath: model, contextTokens: 1024, concurrency: 2 },
  });
  const bytes = estimated + MODEL_PROCESS_BYTES;
  const examine = (modelBytesMax: number) =>
    examineMemory(
      configure({
        memory: { modelBytesMax },
        models: [
          { id: "one", engine, default: true },
          { id: "two", engine },
        ],
      }),
    );
  expect(await examine(2 * bytes)).toEqual([{ about: "memory", status: "ok", message: expect.any(String) }]);
  expect(await examine(2 * bytes - 1)).toEqual([
    { about: "memory", status: "warn", message: expect.stringContaining("take turns") },
  ]);
  const tooLarge = { status: "fail", message: expect.stringContaining("memory.modelBytesMax") };
  expect(await examine(bytes - 1)).toMatchObject([
    { about: "model one", ...tooLarge },
    { about: "model two", ...tooLarge },
    { about: "memory", status: "warn" },
  ]);
});

test("memory is not checked without a local model, or while its file is missing", async () => {
  expect(await examineMemory(configure({}))).toEqual([]);
  const engine = { kind: "llama" as const, model: "/nowhere/model.gguf" };
  expect(await examineMemory(configure({ models: [{ id: "near", engine }] }))).toEqual([]);
});

test("the command prints a line for each finding, or JSON, and ends with 1 on a failure", async () => {
  const directory = newDirectory();
  const config = join(directory, "config.json");
  const written: string[] = [];
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, "write").mockImplementation((text) => written.push(String(text)) > 0),
  );
  cleanUps.push(() => spies.forEach((spy) => spy.mockRestore()));
  const run = (...args: string[]) => {
    written.length = 0;
    return runCommandLine(["doctor", "--config", config, "--data-directory", join(directory, "data"), ...args]);
  };

  writeFileSync(config, JSON.stringify({ engines: "scripted", port: 0 }), { mode: 0o600 });
  expect(await run()).toBe(0);
  expect(written.join("")).toMatch(/^ok {4}configuration/);
  expect(await run("--json")).toBe(0);
  expect(JSON.parse(written.join(""))).toContainEqual(expect.objectContaining({ about: "port", status: "ok" }));

  writeFileSync(config, JSON.stringify({ prot: 1 }));
  expect(await run()).toBe(1);
  expect(written.join("")).toMatch(/^fail {2}configuration .*prot/s);
});
