/** First runs that go wrong at the door: each ends in the first seconds with a sentence that says what to do. */

import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import type { Check } from "./check.ts";
import { runCommandLine } from "./cli.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

const COMPLETION = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Hi." } }],
};

const envelope = (message: string, code: string | null = null, param: string | null = null) => ({
  error: { message, type: "invalid_request_error", param, code },
});

interface Chat {
  readonly model?: string;
  readonly max_tokens?: number;
}

async function readChat(request: IncomingMessage): Promise<Chat> {
  let text = "";
  for await (const part of request.setEncoding("utf8")) text += String(part);
  return text === "" ? {} : (JSON.parse(text) as Chat);
}

/** Lists these models, or has no list where null, and answers chats by `reply`. */
function serveApi(
  ids: readonly string[] | null,
  reply: (chat: Chat, request: IncomingMessage) => readonly [number, unknown],
): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === "GET") {
      const list = { object: "list", data: (ids ?? []).map((id) => ({ id })) };
      answerJson(ids === null ? { detail: "Not Found" } : list, ids === null ? 404 : 200)(request, response);
      return;
    }
    void readChat(request).then((chat) => {
      const [status, body] = reply(chat, request);
      answerJson(body, status)(request, response);
    });
  };
}

const CHAT: Check = sampleCheck({ id: "chat.sample", needs: ["model:chat"] });
const AUTH: Check = sampleCheck({ id: "auth.sample", area: "auth", needs: ["key:full"] });

async function run(listener: RequestListener, flags: readonly string[] = [], checks: readonly Check[] = [CHAT]) {
  let text = "";
  const output = { write: (more: string) => void (text += more), isTerminal: false };
  const words = ["--base-url", await serveForTest(listener), "--reporter", "pretty", ...flags];
  const exitCode = await runCommandLine(words, { stdout: output, stderr: output, environment: {}, checks });
  const lines = text.trimEnd().split("\n");
  return { exitCode, text, last: lines.at(-1) ?? "", lines };
}

const chats = (): readonly [number, unknown] => [200, COMPLETION];

test("a server that asks for no key is conformant without its area auth, and the advice is printed", async () => {
  const { exitCode, text } = await run(serveApi(["m"], chats), ["--api-key", "dummy-key"], [CHAT, AUTH]);
  expect(exitCode).toBe(0);
  expect(text).toContain("This server asks for no key");
  expect(text).toContain("start the server with a key and pass it with --api-key");
  expect(text).toContain("not-testable auth.sample: the server asks for no key");
});

test.each([
  ["no key", (key: string | undefined) => key !== undefined],
  ["a made-up one", (key: string | undefined) => key === undefined || key === "Bearer right-key"],
])("a server that refuses %s alone is judged for it", async (_, letsIn) => {
  const guarded = serveApi(["m"], (_chat, { headers }) =>
    letsIn(headers.authorization) ? [200, COMPLETION] : [401, envelope("no")],
  );
  const { text } = await run(guarded, ["--api-key", "right-key"], [CHAT, AUTH]);
  expect(text).not.toContain("asks for no key");
  expect(text).toContain("2 pass");
});

test.each([
  ["with a model", ["--model", "m"]],
  ["without one, where an empty request is answered", []],
])("a server without GET /models is judged %s", async (_, flags) => {
  const { exitCode, last } = await run(serveApi(null, chats), flags, [
    sampleCheck({ id: "http.sample", area: "http" }),
  ]);
  expect(last).toContain("conformant");
  expect(exitCode).toBe(0);
});

test("a server without GET /models that refuses in its own words asks for --model", async () => {
  const detail = serveApi(null, () => [422, { detail: [{ loc: ["body", "messages"], msg: "Field required" }] }]);
  const { exitCode, last } = await run(detail);
  expect(exitCode).toBe(3);
  expect(last).toContain("It has no GET /models: name its chat model with --model.".replace(/\.$/, ""));
});

test.each([
  ["404 with OpenAI's code", 404, envelope("The model `typo` does not exist", "model_not_found")],
  ["400 in its own words", 400, envelope("Invalid model name passed in model=typo", null, "None")],
  ["404 that is no envelope", 404, { detail: "The model `typo` does not exist." }],
])("an unknown --model that is refused with %s ends at once and names the known ones", async (_, status, body) => {
  const { exitCode, last, lines } = await run(
    serveApi(["good", "better"], ({ model }) => (model === "typo" ? [status, body] : [200, COMPLETION])),
    ["--model", "typo"],
  );
  expect(exitCode).toBe(3);
  expect(lines.length).toBeLessThanOrEqual(8);
  expect(last).toContain('The server knows no model "typo". It lists "good", "better": choose with --model');
});

test("an embedding model that is named for chat ends at once, and a model that chats is named", async () => {
  const refuse = ({ model }: Chat): readonly [number, unknown] =>
    model === "embedder" ? [400, envelope("This model does not support chat")] : [200, COMPLETION];
  const { exitCode, last } = await run(serveApi(["embedder", "talker"], refuse), ["--model", "embedder"]);
  expect(exitCode).toBe(3);
  expect(last).toContain('The model "embedder" does not chat');
  expect(last).toContain('"talker" does: use --model');
});

test("without --model the first listed model that chats is used", async () => {
  const refuse = ({ model }: Chat): readonly [number, unknown] =>
    model === "embedder" ? [400, envelope("This model does not support chat")] : [200, COMPLETION];
  const { exitCode, text } = await run(serveApi(["embedder", "talker"], refuse));
  expect(exitCode).toBe(0);
  expect(text).toContain('"talker", the first of GET /models that answers a chat, is used');
});

test("a first connection that is lost, and a 502 before the second request, end no run", async () => {
  let requests = 0;
  const api = serveApi(["m"], chats);
  const { exitCode } = await run((request, response) => {
    requests += 1;
    if (requests === 1) return void request.socket.destroy();
    if (requests === 3) return void response.writeHead(502).end("<html>");
    api(request, response);
  });
  expect(exitCode).toBe(0);
});

test("bodies that are cut off are called that, and nobody is asked about /v1", async () => {
  const { exitCode, last } = await run((_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "200" });
    response.write('{"object":"list","data":[{"id":');
    setTimeout(() => response.destroy(), 5);
  });
  expect(exitCode).toBe(3);
  expect(last).toContain("cuts its answers off");
  expect(last).not.toContain("/v1?");
});

test("a model that refuses max_tokens is asked with max_completion_tokens, in SDK calls and bare ones", async () => {
  const bodies: Chat[] = [];
  const reasoning = serveApi(["m"], (chat) => {
    bodies.push(chat);
    return chat.max_tokens === undefined
      ? [200, COMPLETION]
      : [400, envelope("Unsupported parameter: use 'max_completion_tokens'.", "unsupported_parameter", "max_tokens")];
  });
  const asks = sampleCheck({
    needs: ["model:chat"],
    async run({ sdk, wire, models }) {
      const body = { model: String(models.chat), messages: [{ role: "user" as const, content: "x" }], max_tokens: 9 };
      const { exchange } = await sdk((client) => client.chat.completions.create(body));
      const bare = await wire({ method: "POST", path: "/chat/completions", body: JSON.stringify(body) });
      expect([exchange.response?.status, bare.response?.status]).toEqual([200, 200]);
    },
  });
  const { exitCode, text } = await run(reasoning, [], [asks, sampleCheck({ id: "chat.limit.max-tokens" })]);
  expect(exitCode).toBe(0);
  expect(text).toContain("max_completion_tokens is sent in its place");
  expect(text).toContain("not-testable chat.limit.max-tokens");
  expect(bodies.slice(-2)).toEqual(Array(2).fill(expect.objectContaining({ max_completion_tokens: 9 })));
});

test("headers of the target are sent by the SDK and by the bare wire, and their secrets are in no report", async () => {
  const seen: (string | string[] | undefined)[] = [];
  const secret = "pk-live-0f9e8d7c6b5a";
  const gateway = serveApi(["m"], (_chat, { headers }) => {
    seen.push(headers["x-portkey-api-key"], headers["x-provider"]);
    return [200, COMPLETION];
  });
  const tells = sampleCheck({
    level: "should",
    needs: ["model:chat"],
    async run({ sdk, wire, models }) {
      await sdk((client) => client.chat.completions.create({ model: String(models.chat), messages: [] }));
      const { request } = await wire({ method: "POST", path: "/chat/completions", body: "{}" });
      throw new Error(`sent ${JSON.stringify(request.headers)}`);
    },
  });
  const flags = ["--header", `X-Portkey-Api-Key: ${secret}`, "--header", "x-provider: openai"];
  const { text } = await run(gateway, flags, [tells]);
  expect(seen.slice(-4)).toEqual([secret, "openai", secret, "openai"]);
  expect(text).not.toContain(secret);
  expect(text).toContain('\\"x-portkey-api-key\\":\\"[redacted]\\"'.replaceAll("\\", ""));
  expect(text).toContain('"x-provider":"openai"');
});

test("a completion model of its own is known to checks, and else is the chat model", async () => {
  const models: (string | undefined)[] = [];
  const check = sampleCheck({
    needs: ["model:chat"],
    run: async (context) => void models.push(context.models.completion),
  });
  await run(serveApi(["m"], chats), [], [check]);
  await run(serveApi(["m"], chats), ["--completion-model", "text"], [check]);
  expect(models).toEqual(["m", "text"]);
});
