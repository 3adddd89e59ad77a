/**
 * Secrets that are planted wherever a run can get one: keys, an upstream's secret, headers, in flags, the target file and
 * the environment. A server sends all of them back, checks quote them, requests hold them. No artefact may show one, and
 * no word that only begins like a secret may be cut.
 */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { runCommandLine } from "./cli.ts";
import { KEY_VARIABLES } from "./encode-curl.ts";
import { describeExchange } from "./response-body.ts";
import { Failure } from "./outcome-signals.ts";
import { REPORTER_NAMES } from "./reporters/create-reporter.ts";
import { escapeXml } from "./reporters/junit.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { KEY_NAMES, listSecrets } from "./target.ts";
import { serveForTest } from "./test-server.fixture.ts";

const word = (length: { minLength: number; maxLength: number }) =>
  fc.string({
    unit: fc.constantFrom(...Array.from("abcdefghijkmnpqrstuvwxyzABCDEFGHKLMNPQRSTUVWXYZ23456789")),
    ...length,
  });

/** As vendors make them, and as people do; all can be sent in a header. */
const headerSecret = fc.oneof(
  word({ minLength: 20, maxLength: 48 }).map((text) => `sk-${text}7`),
  word({ minLength: 20, maxLength: 60 }).map((text) => `sk-proj-${text}7`),
  fc.uuid(),
  fc.base64String({ minLength: 24, maxLength: 64 }).map((text) => `k7${text}`),
  word({ minLength: 10, maxLength: 20 }).map((text) => `gateway-secret-${text}9`),
);
/** One that is never sent may hold anything that has to be escaped. */
const bodySecret = fc.oneof(
  headerSecret,
  fc
    .tuple(
      word({ minLength: 8, maxLength: 12 }),
      fc.constantFrom('"', "\\", "<&>'", "%", " ", "é"),
      word({ minLength: 8, maxLength: 12 }),
    )
    .map((parts) => parts.join("")),
);

const planted = fc.record({
  full: headerSecret,
  expired: headerSecret,
  other_account: headerSecret,
  header: headerSecret,
  upstream: bodySecret,
  issued: headerSecret,
  padding: fc.integer({ min: 0, max: 320 }),
});

type Planted = typeof planted extends fc.Arbitrary<infer T> ? T : never;

/** Half of it: what a text may not show of it, from its start. */
const revealing = (secret: string): string => secret.slice(0, Math.max(8, Math.ceil(secret.length / 2)));

/** The names of a vendor begin like its keys, and go on in another way. */
function composeNeighbour(secret: string): string {
  const [shared = ""] = /^[\w-]*/.exec(secret.slice(0, Math.min(10, Math.floor(secret.length / 2) - 1))) ?? [];
  return `${shared}${secret[shared.length] === "z" ? "y" : "z"}zmodel`;
}

const forms = (secret: string): readonly string[] => {
  const sent = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
  return [...new Set(sent.flatMap((form) => [form, escapeXml(form)]))];
};

async function runWith({ full, expired, other_account: other, header, upstream, issued, padding }: Planted) {
  const secrets = [full, expired, other, header, upstream, issued];
  const neighbours = [full, expired, other, header].map(composeNeighbour);
  const echo = `${"-".repeat(padding)} ${secrets.flatMap(forms).join(" ")}`;
  const baseUrl = await serveForTest((request, response) => {
    const isList = request.method === "GET" && request.url === "/v1/models";
    const isIssued = request.url === "/v1/realtime/client_secrets";
    if (isIssued) {
      const session = { type: "realtime", client_secret: { value: issued } };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ value: issued, session }));
      return;
    }
    const body = isList
      ? { object: "list", data: [{ id: neighbours[0] }] }
      : { error: { message: echo, type: "t", param: null, code: null, names: neighbours } };
    response.writeHead(isList ? 200 : 500, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  const quoting = sampleCheck({
    id: "http.quotes",
    async run({ wire }) {
      const place = `/x/${encodeURIComponent(upstream)}?key=${encodeURIComponent(other)}`;
      const exchange = await wire({ method: "POST", path: place, body: JSON.stringify({ echo, neighbours }) });
      throw new Failure({
        observer: "wire",
        expected: `not ${neighbours.join(" ")}`,
        actual: describeExchange(exchange),
      });
    },
  });
  // The server alone knows it before.
  const issuing = sampleCheck({
    id: "http.issues",
    async run({ wire }) {
      const issuedBy = await wire({ method: "POST", path: "/realtime/client_secrets", body: "{}" });
      const middle = Math.floor(issued.length / 2);
      const changed = `${issued.slice(0, middle)}#${issued.slice(middle + 1)}`;
      await wire({ method: "GET", path: `/x?secret=${encodeURIComponent(issued)}`, credential: { literal: issued } });
      await wire({ method: "GET", path: "/x", credential: { authorization: `Bearer ${changed}` } });
      throw new Failure({ observer: "wire", expected: issued, actual: `${describeExchange(issuedBy)} ${changed}` });
    },
  });
  const plain = sampleCheck({
    id: "http.plain",
    run: ({ sdk }) =>
      sdk((client) => client.models.retrieve(full), { credential: "other_account" }).then(({ error }) => {
        throw new Error(`${String(error)} ${echo} ${neighbours.join(" ")}`);
      }),
  });
  const folder = await mkdtemp(path.join(tmpdir(), "canary-"));
  try {
    const recipe = {
      base_url: baseUrl,
      keys: { other_account: other, expired: { env: "EXPIRED" } },
      models: { chat: neighbours[0] },
      headers: { "x-gateway-key": { env: "GATEWAY_KEY" } },
      fixtures: { upstream_secret: upstream },
    };
    const targetFile = path.join(folder, "target.json");
    await writeFile(targetFile, JSON.stringify(recipe));
    let terminal = "";
    const output = { write: (text: string) => void (terminal += text), isTerminal: false };
    const files = REPORTER_NAMES.map((name) => [name, path.join(folder, `${name}.out`)] as const);
    const reporters = ["pretty", ...files.map(([name, file]) => `${name}:${file}`)].flatMap((name) => [
      "--reporter",
      name,
    ]);
    const environment = { [KEY_VARIABLES.full]: full, EXPIRED: expired, GATEWAY_KEY: header };
    const io = { stdout: output, stderr: output, environment, checks: [quoting, issuing, plain] };
    const exitCode = await runCommandLine(["--target", targetFile, ...reporters], io);
    const written = await Promise.all(files.map(async ([name, file]) => [name, await readFile(file, "utf8")] as const));
    const artefacts = [["terminal", terminal] as const, ...written];
    return { exitCode, artefacts, secrets, neighbours, rest: issued.slice(Math.floor(issued.length / 2) + 1) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test(
  "no artefact of any reporter shows a planted secret, and no word that begins like one is cut",
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(planted, async (canaries) => {
        const { exitCode, artefacts, secrets, neighbours, rest } = await runWith(canaries);
        expect(exitCode).toBe(1);
        expect(artefacts).toHaveLength(REPORTER_NAMES.length + 1);
        for (const [name, text] of artefacts) {
          const unwrapped = text.replaceAll(/\s+/g, "");
          for (const secret of secrets) {
            for (const form of forms(secret)) {
              const shown =
                text.includes(revealing(form)) || unwrapped.includes(revealing(form).replaceAll(/\s+/g, ""));
              expect(shown ? `${name} shows ${form}` : "").toBe("");
            }
          }
          expect(text.includes(rest) ? `${name} shows the end of a secret with one other character` : "").toBe("");
          // It has no text of a target.
          if (name === "badge") continue;
          for (const neighbour of neighbours) {
            expect(text.includes(neighbour) || unwrapped.includes(neighbour) ? "" : `${name} cuts ${neighbour}`).toBe(
              "",
            );
          }
        }
      }),
      { numRuns: 40 },
    );
  },
);

test("every key of a recipe is a secret", () => {
  const keys = Object.fromEntries(KEY_NAMES.map((name, index) => [name, `key-${index}-of-the-recipe-4711`]));
  expect(listSecrets({ baseUrl: "http://h/v1", keys, models: {} })).toEqual(Object.values(keys));
});
