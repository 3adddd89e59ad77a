/**
 * A whole server as a process, with a secret in every place that has one, among others who quote what they hear. No
 * secret may show in what the program writes, logs, measures, traces, keeps or answers.
 */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:http";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { FAULT } from "./testing/serve-process.ts";
import { LEAKY_MODELS, startLeakyUpstream } from "./testing/leaky-upstream.ts";

const PROGRAM = fileURLToPath(new URL("main.ts", import.meta.url));
const SECRETS = {
  "upstream key": "canary-upstream-key-5d0f8a",
  "upstream key of the environment": "canary-upstream-environment-77ab01",
  "HS256 secret": "canary-hs256-secret-that-is-long-enough-91c2",
  "HS256 secret that is too short": "canary-too-short-b7",
  "metrics token": "canary-metrics-token-4e3b",
  "database password": "canary-database-password-0c6d",
  "wrong API key": "sk-canary-wrong-key-a8e1",
  "wrong token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.canary-wrong-signature",
  "key in a URL": "canary-key-in-a-url-2f90",
  prompt: "canary prompt: my bank card is 4929-1111",
};

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** What could be seen, and where. */
interface Evidence {
  readonly where: string;
  readonly text: string;
}

function start(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
  });
  const output = { stdout: "", stderr: "" };
  cleanUps.push(async () => {
    await endProcess(child);
    expect(output.stderr).not.toMatch(FAULT);
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const closed = once(child, "close");
  return { child, output, closed };
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** An OpenTelemetry collector. Strings stand in the protocol as they are. */
async function startCollector() {
  const received: string[] = [];
  const http = createServer((incoming, outgoing) => {
    void incoming.toArray().then((chunks) => {
      received.push(Buffer.concat(chunks).toString("utf8"));
      outgoing.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  cleanUps.push(() => http.close().closeAllConnections());
  await once(http.listen(0, "127.0.0.1"), "listening");
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("The collector listens on no TCP port.");
  return { url: `http://127.0.0.1:${address.port}`, received };
}

async function startInstallation() {
  const directory = mkdtempSync(join(tmpdir(), "openai-compat-secrets-"));
  cleanUps.push(() => rmSync(directory, { recursive: true }));
  const upstream = await startLeakyUpstream();
  cleanUps.push(() => upstream.close());
  const collector = await startCollector();
  const far = { kind: "upstream", baseUrls: [upstream.baseUrl] };
  const config = {
    port: 0,
    logLevel: "debug",
    dataDirectory: join(directory, "data"),
    auth: { jwtSecret: SECRETS["HS256 secret"] },
    operations: { metricsToken: SECRETS["metrics token"], otlpEndpoint: collector.url },
    models: [
      ...LEAKY_MODELS.map((model) => ({ id: model, engine: { ...far, model, apiKey: SECRETS["upstream key"] } })),
      { id: "environment", engine: { ...far, model: "401", apiKeyEnvironment: "FAR_KEY" } },
    ],
  };
  const file = join(directory, "config.json");
  writeFileSync(file, JSON.stringify(config));
  const environment = { HOME: directory, FAR_KEY: SECRETS["upstream key of the environment"] };
  const command = async (args: readonly string[], extra: Readonly<Record<string, string>> = {}) => {
    const { output, closed } = start(args, { ...environment, OPENAI_COMPAT_CONFIG: file, ...extra });
    await closed;
    return output;
  };
  return { directory, file, config, environment, command, upstream, collector };
}

type Installation = Awaited<ReturnType<typeof startInstallation>>;

async function serve({ file, environment }: Installation) {
  const server = start(["serve", "--config", file], environment);
  const address = /http:\/\/127\.0\.0\.1:\d+/;
  await vi.waitFor(() => expect(server.output.stdout, server.output.stderr).toMatch(address), { timeout: 20_000 });
  const [root = ""] = address.exec(server.output.stdout) ?? [];
  return { ...server, root };
}

/** Asks in every way that has a secret in it, and for everything that can be read. */
async function askForEverything(root: string, credentials: readonly string[]): Promise<readonly Evidence[]> {
  const seen: Evidence[] = [];
  const ask = async (path: string, { key, body }: { readonly key?: string; readonly body?: object | string } = {}) => {
    const response = await fetch(`${root}${path}`, {
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = `${JSON.stringify([...response.headers])}\n${await response.text()}`;
    seen.push({ where: `${response.status} of ${path} ${typeof body === "object" ? JSON.stringify(body) : ""}`, text });
  };
  const messages = [{ role: "user", content: SECRETS.prompt }];
  const [key = ""] = credentials;
  for (const model of [...LEAKY_MODELS, "environment", "missing"]) {
    await ask("/v1/chat/completions", { key, body: { model, messages, stream: true } });
    await ask("/v1/chat/completions", { key, body: { model, messages } });
  }
  for (const credential of [...credentials, SECRETS["wrong API key"], SECRETS["wrong token"], "none"]) {
    await ask("/v1/models", { key: credential });
  }
  await ask(`/v1/models?api_key=${SECRETS["key in a URL"]}`, { key });
  await ask("/v1/chat/completions", { key, body: `{"messages": [{"content": "${SECRETS.prompt}"` });
  await ask("/v1/chat/completions", { key, body: { model: "good", messages, temperature: SECRETS.prompt } });
  await ask("/metrics", { key: SECRETS["wrong API key"] });
  await ask("/metrics", { key: SECRETS["metrics token"] });
  for (const path of ["/healthz", "/readyz", "/openapi.json", "/docs", "/nowhere"]) await ask(path);
  return seen;
}

/** What the other commands print, and what wrong settings make them print. */
async function runCommands({ command, config, directory }: Installation): Promise<readonly Evidence[]> {
  const wrong = join(directory, "wrong.json");
  writeFileSync(wrong, JSON.stringify({ ...config, auth: { ...config.auth, jwtSecrets: SECRETS["HS256 secret"] } }));
  const broken = join(directory, "broken.json");
  writeFileSync(broken, `${JSON.stringify(config)}}`);
  const database = `postgresql://ada:${SECRETS["database password"]}@127.0.0.1:9/credits`;
  const runs: readonly (readonly [readonly string[], Readonly<Record<string, string>>?])[] = [
    [["doctor"]],
    [["doctor", "--json"]],
    [["doctor", "--config", wrong]],
    [["serve", "--config", wrong]],
    [["serve", "--config", broken]],
    [["serve"], { OPENAI_COMPAT_STORE: "postgres", OPENAI_COMPAT_POSTGRES_URL: database }],
    [["doctor"], { OPENAI_COMPAT_STORE: "postgres", OPENAI_COMPAT_POSTGRES_URL: database }],
    [["serve"], { OPENAI_COMPAT_POSTGRES_URL: `mysql://ada:${SECRETS["database password"]}@host` }],
    [["serve"], { OPENAI_COMPAT_AUTH_JWT_SECRET: SECRETS["HS256 secret that is too short"] }],
    [["settings"]],
    [["keys", "list"]],
    [["credits", "usage", "--account", "ada"]],
    [["token", "revoke", SECRETS["wrong token"]]],
  ];
  const seen: Evidence[] = [];
  for (const [args, environment] of runs) {
    const { stdout, stderr } = await command(args, environment);
    seen.push({ where: `the command ${args.join(" ")} ${JSON.stringify(environment ?? {})}`, text: stdout + stderr });
  }
  return seen;
}

function findLeaks(seen: readonly Evidence[], secrets: Readonly<Record<string, string>>): readonly string[] {
  return seen.flatMap(({ where, text }) =>
    Object.entries(secrets)
      .filter(([, secret]) => [secret, encodeURIComponent(secret), btoa(secret)].some((form) => text.includes(form)))
      .map(([name]) => `${name} in ${where}`),
  );
}

test("no secret of a whole installation shows anywhere", { timeout: 240_000 }, async () => {
  const installation = await startInstallation();
  const { command, config, upstream, collector } = installation;
  const key = (await command(["keys", "create", "--account", "ada"])).stdout.trim();
  const token = (await command(["token", "mint", "--account", "ada"])).stdout.trim();
  const secrets = { ...SECRETS, "API key": key, "bearer token": token.split(".")[2] ?? "" };
  const server = await serve(installation);
  const answers = await askForEverything(server.root, [key, token]);
  const commands = await runCommands(installation);
  server.child.kill("SIGTERM");
  await server.closed;
  const kept = readdirSync(config.dataDirectory).map((name) => ({
    where: `the file ${name}`,
    text: readFileSync(join(config.dataDirectory, name), "latin1"),
  }));
  const { stdout, stderr } = server.output;
  const traces = collector.received.join("\n");
  const written = [
    { where: "standard output", text: stdout },
    { where: "standard error", text: stderr },
    { where: "the traces", text: traces },
  ];

  // All of it was there to be leaked, and to be looked through.
  expect(upstream.heard.join("\n")).toContain(SECRETS["upstream key"]);
  expect(upstream.heard.join("\n")).toContain(SECRETS["upstream key of the environment"]);
  expect(upstream.heard.join("\n")).toContain(SECRETS.prompt);
  expect(key).toMatch(/^sk-/);
  expect(new Set(answers.map(({ where }) => where.slice(0, 3)))).toEqual(
    new Set(["200", "400", "401", "404", "429", "500"]),
  );
  expect(answers.map(({ text }) => text).join("\n")).toContain("openai_compat_calls_total");
  expect(stderr).toContain('"operation":"createChatCompletion"');
  expect(stderr).toContain("The upstream answered 500");
  expect(traces).toContain("gen_ai.request.model");
  expect(kept.length).toBeGreaterThan(0);
  expect(commands.filter(({ text }) => text.length < 20)).toEqual([]);

  expect(findLeaks([...answers, ...commands, ...written, ...kept], secrets)).toEqual([]);
  // Where the models are is for the operator alone.
  expect(findLeaks(answers, { "upstream address": new URL(upstream.baseUrl).host })).toEqual([]);
});
