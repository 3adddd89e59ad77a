/** The program as a user starts it: a child process, its streams, its files and its exit code. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { FAULT } from "../testing/serve-process.ts";

const PROGRAM = fileURLToPath(new URL("../main.ts", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "openai-compat-cli-"));
const children: { readonly child: ChildProcess; readonly output: { readonly stderr: string } }[] = [];
afterEach(async () => {
  for (const { child, output } of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    expect(output.stderr).not.toMatch(FAULT);
  }
});
afterAll(() => rmSync(directory, { recursive: true }));

function start(args: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env["PATH"] ?? "", HOME: directory, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  children.push({ child, output });
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const exitCode = once(child, "close").then(([code, signal]: unknown[]) => code ?? signal);
  return { child, output, exitCode };
}

async function run(args: readonly string[], environment: Record<string, string> = {}) {
  const { output, exitCode } = start(args, environment);
  return { code: await exitCode, ...output };
}

let directories = 0;
const newDirectory = () => join(directory, `data-${(directories += 1)}`);

interface Recipe {
  readonly base_url: string;
  readonly keys: Readonly<
    Record<
      "full" | "no_capability" | "expired" | "no_credit" | "not_yet_valid" | "wrong_audience" | "wrong_issuer",
      string
    >
  >;
  readonly models: { readonly chat: string };
}

/** A scripted server that answers, and its recipe. */
async function serve(args: readonly string[] = ["--throwaway"]) {
  const readyFile = join(directory, `ready-${(directories += 1)}.json`);
  const server = start(["serve", "--engines", "scripted", "--port", "0", "--ready-file", readyFile, ...args]);
  await vi.waitFor(() => expect(existsSync(readyFile), server.output.stderr).toBe(true), { timeout: 20_000 });
  return { ...server, readyFile, recipe: JSON.parse(readFileSync(readyFile, "utf8")) as Recipe };
}

const get = async (recipe: Recipe, key: string) =>
  (await fetch(`${recipe.base_url}/models`, { headers: { authorization: `Bearer ${key}` } })).status;

test("the ready file holds what a suite needs, and only its owner can read it", async () => {
  const { recipe, readyFile } = await serve();
  expect(recipe.models).toMatchObject({ chat: "scripted", upstream_down: expect.any(String) });
  expect(await get(recipe, recipe.keys.full)).toBe(200);
  expect(await get(recipe, recipe.keys.no_credit)).toBe(200);
  for (const refused of ["not_yet_valid", "wrong_audience", "wrong_issuer"] as const) {
    expect(await get(recipe, recipe.keys[refused])).toBe(401);
  }
  expect(await get(recipe, recipe.keys.no_capability)).toBe(403);
  expect(await get(recipe, recipe.keys.expired)).toBe(401);
  expect(statSync(readyFile).mode & 0o777).toBe(0o600);
});

test("SIGTERM lets a running stream end, then the program ends with 0", async () => {
  const { child, recipe, exitCode } = await serve();
  const response = await fetch(`${recipe.base_url}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${recipe.keys.full}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "default", stream: true, messages: [{ role: "user", content: "Hello" }] }),
  });
  child.kill("SIGTERM");
  expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
  expect(await exitCode).toBe(0);
});

test("a second signal ends the program at once, whatever is running", async () => {
  const { child, recipe, exitCode, output } = await serve();
  const upload = request(`${recipe.base_url}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${recipe.keys.full}`, "content-type": "application/json", "content-length": 9 },
  });
  upload.on("error", () => {});
  upload.write("{");
  await once(upload, "socket");
  await new Promise((resolve) => setTimeout(resolve, 200));
  child.kill("SIGTERM");
  await vi.waitFor(() => expect(output.stderr).toContain("shutting down"));
  child.kill("SIGTERM");
  expect(await exitCode).toBe(143);
});

test("the first start makes a key and shows it with a snippet, the second says how to get another", async () => {
  const dataDirectory = newDirectory();
  const data = ["--data-directory", dataDirectory];
  const create = `npx -y pnpm@12 openai-compat keys create --data-directory ${dataDirectory}\n`;
  const first = await serve(data);
  const key = /sk-[\w-]{43}/.exec(first.output.stdout)?.[0] ?? "";
  expect(await get(first.recipe, key)).toBe(200);
  expect(first.output.stdout).toContain(`export OPENAI_BASE_URL=${first.recipe.base_url}\n`);
  expect(first.output.stdout).toContain(`export OPENAI_API_KEY=${key}\n`);
  expect(first.output.stdout).toContain(create);
  first.child.kill("SIGINT");
  expect(await first.exitCode).toBe(0);

  const second = await serve(data);
  expect(second.output.stdout).not.toMatch(/sk-[\w-]{43}/);
  expect(second.output.stdout).toContain(`export OPENAI_BASE_URL=${second.recipe.base_url}\n`);
  expect(second.output.stdout).toContain(join(dataDirectory, "keys.sqlite"));
  expect(second.output.stdout).toContain(`made on the first start (sk-…${key.slice(-4)})`);
  expect(second.output.stdout).toContain(create);
  expect(await get(second.recipe, key)).toBe(200);
  expect(await get(second.recipe, first.recipe.keys.full)).toBe(200);
});

test("where calls cost credits, a start says how to grant some until there are any", async () => {
  const dataDirectory = newDirectory();
  const config = join(directory, "prices.json");
  writeFileSync(config, JSON.stringify({ prices: { ai_prompt: { perMillionOutputTokens: 1 } } }));
  const options = ["--config", config, "--data-directory", dataDirectory];
  const first = await serve(options);
  const [, grant = ""] =
    /\n {2}npx -y pnpm@12 openai-compat (credits grant default 100 .*)\n/.exec(first.output.stdout) ?? [];
  expect((await run(grant.split(" "))).stdout).toContain("available 100");
  first.child.kill("SIGTERM");
  await first.exitCode;
  expect((await serve(options)).output.stdout).not.toContain("credits grant");
});

test("an ephemeral server advises no command that could not reach it", async () => {
  const { output } = await serve();
  expect(output.stdout).toContain("until the server stops");
  expect(output.stdout).not.toContain("keys create");
});

test("the log goes to the file that is named, and nothing of it to standard error", async () => {
  const file = join(directory, `server-${(directories += 1)}.log`);
  writeFileSync(file, "before\n");
  const config = join(directory, "log-file.json");
  writeFileSync(config, JSON.stringify({ logFile: file }));
  const { recipe, output, child, exitCode } = await serve(["--throwaway", "--config", config]);
  expect(await get(recipe, "sk-unknown")).toBe(401);
  child.kill("SIGTERM");
  expect(await exitCode).toBe(0);
  expect(output.stderr).toBe("");
  expect(readFileSync(file, "utf8")).toMatch(/^before\n\{.*"status":401.*\}\n.*shutting down/s);
});

test("a reader of its output that exits does not end the server, nor keeps it from ending", async () => {
  const { child, recipe, exitCode } = await serve();
  child.stdout.destroy();
  child.stderr.destroy();
  for (let round = 0; round < 3; round += 1) expect(await get(recipe, recipe.keys.full)).toBe(200);
  expect(child.exitCode).toBeNull();
  child.kill("SIGTERM");
  expect(await exitCode).toBe(0);
});

test("a throwaway server answers with the key that it prints, whether a suite asked for a ready file or not", async () => {
  const { output } = start(["serve", "--throwaway", "--engines", "scripted", "--port", "0"]);
  const [key, baseUrl] = await vi.waitFor(
    () => {
      const printed = [/sk-[\w-]{43}/, /http:\/\/127\.0\.0\.1:\d+\/v1/].map(
        (pattern) => pattern.exec(output.stdout)?.[0],
      );
      expect(printed, output.stderr).not.toContain(undefined);
      return printed;
    },
    { timeout: 20_000 },
  );
  const answer = await fetch(`${baseUrl}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "default", messages: [{ role: "user", content: "Hello" }] }),
  });
  expect(answer.status, await answer.text()).toBe(200);
});

test("it says which engine serves", async () => {
  const { output } = await serve();
  expect(output.stdout).toContain("scripted engine");
});

test("keys are made, listed and revoked beside a running server", async () => {
  const data = ["--data-directory", newDirectory()];
  const { recipe } = await serve(data);
  const created = await run(["keys", "create", "--name", "laptop", "--can", "read", ...data]);
  const secret = created.stdout.trim();
  expect([created.code, await get(recipe, secret)]).toEqual([0, 200]);

  const listed = await run(["keys", "list", ...data]);
  const line = listed.stdout.split("\n").find((candidate) => candidate.includes("laptop"));
  expect(line).toContain(`sk-…${secret.slice(-4)}`);
  expect(listed.stdout).not.toContain(secret);

  expect(listed.stdout.split("\n")[0]).toBe("id\tsecret\taccount\tname\tmay\tstate");

  const id = line?.split("\t")[0] ?? "";
  expect((await run(["keys", "revoke", id, ...data])).code).toBe(0);
  expect(await get(recipe, secret)).toBe(401);
});

test("a minted token is accepted by the server that shares its data directory", async () => {
  const data = ["--data-directory", newDirectory()];
  const { recipe } = await serve(data);
  const mint = async (...args: string[]) => (await run(["token", "mint", ...args, ...data])).stdout.trim();
  expect(await get(recipe, await mint())).toBe(200);
  expect(await get(recipe, await mint("--can", "PROMPT"))).toBe(403);
});

test("a token that is revoked beside a running server is refused at once, and another goes on", async () => {
  const data = ["--data-directory", newDirectory()];
  const { recipe } = await serve(data);
  const token = (await run(["token", "mint", ...data])).stdout.trim();
  expect(await get(recipe, token)).toBe(200);
  expect(await run(["token", "revoke", token, ...data])).toMatchObject({ code: 0, stdout: "" });
  expect(await get(recipe, token)).toBe(401);
  expect(await get(recipe, recipe.keys.full)).toBe(200);
});

test("--can says what may be granted", async () => {
  const { stdout } = await run(["keys", "create", "--help"]);
  expect(stdout.replaceAll(/\s+/g, " ")).toContain(
    "READ, PROMPT, TRANSCRIBE, CREATE, UPDATE, DELETE, separated by commas",
  );
  expect(stdout).toContain("(default: *)");
});

test("--version prints the package's version", async () => {
  expect(await run(["--version"])).toMatchObject({ code: 0, stdout: `${packageJson.version}\n` });
});

test("settings lists each setting with its variable and default", async () => {
  const { code, stdout } = await run(["settings"]);
  expect(code).toBe(0);
  expect(stdout).toContain("limits.bodyTimeoutMs or OPENAI_COMPAT_LIMITS_BODY_TIMEOUT_MS = 60000\n");
});

const shortSecret = newDirectory();
mkdirSync(shortSecret);
writeFileSync(join(shortSecret, "jwt-secret"), "short\n");

const badConfig = join(directory, "bad.json");
writeFileSync(badConfig, `{ "prot": 1 }`);

const badLog = join(directory, "bad-log.json");
writeFileSync(badLog, JSON.stringify({ logFile: join(directory, "missing", "server.log") }));

test.each([
  ["a port out of range", ["serve", "--port", "70000"], /Expected a port/],
  ["an unknown engine", ["serve", "--engines", "magic"], /Allowed choices are auto, small, scripted/],
  ["an unknown setting", ["serve", "--config", badConfig], /prot/],
  ["a configuration that is not there", ["serve", "--config", join(directory, "missing.json")], /can't be read/],
  ["a log file that can't be written", ["serve", "--config", badLog], /log file can't be written/],
  ["a data directory that is a file", ["serve", "--data-directory", badConfig], /data directory/],
  ["a token secret that is too short", ["serve", "--data-directory", shortSecret], /jwt-secret/],
  ["an unknown key", ["keys", "revoke", "key_nope", "--data-directory", newDirectory()], /no key key_nope/],
  [
    "an API key that is revoked as a token",
    ["token", "revoke", "sk-key"],
    /npx -y pnpm@12 openai-compat keys revoke ID/,
  ],
  ["an unknown capability", ["keys", "create", "--can", "EVERYTHING"], /EVERYTHING/],
  ["a time without a unit", ["token", "mint", "--expires-in", "soon"], /90s, 15m/],
  ["an unknown model", ["models", "pull", "nope"], /no model "nope"/],
  ["a model that is neither file nor id", ["serve", "--throwaway", "--model", "nope"], /"nope" is neither a file/],
  ["a file that is no model", ["serve", "--throwaway", "--model", badConfig], /bad.json is not a GGUF file/],
  ["an unknown command", ["frobnicate"], /unknown command/],
])("%s ends with 2 and says why", async (_case, args, message) => {
  const { code, stderr } = await run(args);
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain("    at ");
  expect(code).toBe(2);
});

test("a start that is stopped while it downloads ends with 0 and says that the download will go on", async () => {
  const hub = createServer(() => {}).listen(0, "127.0.0.1");
  await once(hub, "listening");
  const address = hub.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { child, output, exitCode } = start(
    ["serve", "--throwaway", "--port", "0", "--model", "smollm2-135m-instruct"],
    { OPENAI_COMPAT_HUB_URL: `http://127.0.0.1:${port}` },
  );
  await once(hub, "request");
  child.kill("SIGINT");
  expect(await exitCode).toBe(0);
  expect(output.stderr).toContain("SmolLM2 135M Instruct (Apache-2.0) is not in the cache: 98 MB are to be downloaded");
  expect(output.stderr).toContain("was cancelled. The next one goes on where it ended.");
  hub.closeAllConnections();
  hub.close();
});

test("a port that is taken ends with 1 and says what to do", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address !== null ? String(address.port) : "";
  const { code, stderr } = await run(["serve", "--throwaway", "--engines", "scripted", "--port", port]);
  expect(stderr).toBe(
    `error: Port ${port} is used by another program, which may be another server of yours. Choose another with --port.\n`,
  );
  expect(code).toBe(1);
  other.close();
});

test("a port that is taken is found before a model is downloaded and before anything is written", async () => {
  let requests = 0;
  const hub = createServer((_incoming, outgoing) => {
    requests += 1;
    outgoing.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(hub, "listening");
  const address = hub.address();
  const port = typeof address === "object" && address !== null ? String(address.port) : "";
  const [cache, data] = [newDirectory(), newDirectory()];
  const { code, stderr } = await run(["serve", "--engines", "small", "--port", port, "--data-directory", data], {
    OPENAI_COMPAT_CACHE: cache,
    OPENAI_COMPAT_HUB_URL: `http://127.0.0.1:${port}`,
  });
  expect(stderr).toMatch(/^error: Port \d+ is used by another program.*Choose another with --port\.\n$/);
  expect({ code, requests }).toEqual({ code: 1, requests: 0 });
  expect([cache, data].map((path) => existsSync(path))).toEqual([false, false]);
  hub.close();
});

test("a ready file that can't be written ends with 1, and nothing goes on listening", async () => {
  const readyFile = join(directory, "missing", "ready.json");
  const args = ["serve", "--throwaway", "--engines", "scripted", "--port", "0", "--ready-file", readyFile];
  const { code, stdout, stderr } = await run(args);
  expect(stderr).toContain(readyFile);
  expect(code).toBe(1);
  const [baseUrl = ""] = /http:\S+\/v1/.exec(stdout) ?? [];
  await expect(fetch(`${baseUrl}/models`)).rejects.toThrow("fetch failed");
});

test("listening beyond this machine is warned about", async () => {
  const { output } = await serve(["--throwaway", "--host", "0.0.0.0"]);
  await vi.waitFor(() => expect(output.stderr).toMatch(/"level":"warn".*HTTPS/));
});

test.skipIf(process.platform === "win32")("a start warns of secrets that other users can read", async () => {
  const dataDirectory = newDirectory();
  mkdirSync(dataDirectory, { mode: 0o700 });
  const secretFile = join(dataDirectory, "jwt-secret");
  writeFileSync(secretFile, "Zq3v8Kx1Lw0Rt5Yb7Nc2Md9Pf4Gh6JsA");
  chmodSync(secretFile, 0o666);
  const { output } = await serve(["--data-directory", dataDirectory]);
  await vi.waitFor(() =>
    expect(output.stderr).toContain(`others may read and change ${secretFile}: chmod 600 ${secretFile}`),
  );
});

test("the list of models has a header and says which are in the cache", async () => {
  const { code, stdout } = await run(["models", "list"], { OPENAI_COMPAT_CACHE: newDirectory() });
  const [header, ...rows] = stdout.trimEnd().split("\n");
  expect(header).toBe("id\ttype\tsize\tlicence\tstate");
  expect(rows).toContain("all-minilm-l6-v2\tembedding\t25 MB\tApache-2.0\tnot pulled");
  expect(code).toBe(0);
});
