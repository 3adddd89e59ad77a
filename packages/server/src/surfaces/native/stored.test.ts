/** Tasks of accounts, and what operators do with accounts, keys and credits, over HTTP. */

import { TASK_CHARACTERS_MAX } from "@openai-compat/spec";
import { expect, test } from "vitest";
import type { ConfigInput } from "../../config.ts";
import { createMemoryStores } from "../../stores/memory.ts";
import type { Stores } from "../../stores/stores.ts";
import { createTestApp } from "../../testing/test-server.ts";

const OPERATOR = [{ domain: "operator", pointers: ["*"], can: ["*"] }];

async function start(config: ConfigInput = {}, stores: Stores = createMemoryStores()) {
  const started = await createTestApp({ config, stores });
  const operator = await started.keys.mintFor("root", OPERATOR);
  const eve = await started.keys.mintFor("eve");
  const call = async (path: string, input: unknown, token = started.keys.key) => {
    const response = await started.request(`/trpc/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(input === undefined ? {} : { body: JSON.stringify(input) }),
    });
    const body: unknown = await response.json();
    return { status: response.status, body };
  };
  const ask = (path: string, input?: unknown) => call(path, input, operator);
  return { ...started, call, ask, eve, operator, stores };
}

const dataOf = (data: unknown) => ({ status: 200, body: { result: { data } } });
const refusal = (status: number, code: string, param?: string) => ({
  status,
  body: { error: { data: { code, httpStatus: status, ...(param === undefined ? {} : { param }) } } },
});

async function addTask({ call }: Awaited<ReturnType<typeof start>>, fields: object = {}): Promise<string> {
  const { body } = await call("tasks.add", { name: "Sums", systemPrompt: "You add.", ...fields });
  const id = /"id":"(task_[\w-]+)"/.exec(JSON.stringify(body))?.[1];
  if (id === undefined) throw new Error(`No task was made: ${JSON.stringify(body)}`);
  return id;
}

test("a task is added, changed in part, listed and removed", async () => {
  const server = await start();
  const id = await addTask(server, { examples: [{ prompt: "1+1", answer: "2" }] });
  expect(await server.call("tasks.update", { id, name: "Adding" })).toMatchObject(
    dataOf({
      id,
      name: "Adding",
      systemPrompt: "You add.",
      modelId: "default",
      examples: [{ prompt: "1+1", answer: "2" }],
    }),
  );
  expect(await server.call("tasks.list", undefined)).toMatchObject(dataOf([{ id, name: "Adding" }]));
  expect(JSON.stringify((await server.call("tasks.list", undefined)).body)).not.toContain("ada");
  expect(await server.call("tasks.remove", { id })).toEqual(dataOf({ id }));
  expect(await server.call("tasks.list", undefined)).toEqual(dataOf([]));
});

test("another account's task is as unknown as one that never was", async () => {
  const server = await start();
  const id = await addTask(server);
  expect(await server.call("tasks.list", undefined, server.eve)).toEqual(dataOf([]));
  expect(await server.call("tasks.update", { id, name: "Mine" }, server.eve)).toMatchObject(
    refusal(404, "not_found", "id"),
  );
  expect(await server.call("tasks.remove", { id }, server.eve)).toMatchObject(refusal(404, "not_found", "id"));
  expect(await server.call("prompt", { task: id, prompt: "1+1" }, server.eve)).toMatchObject(
    refusal(404, "not_found", "task"),
  );
});

test("an account has so many tasks, of so many characters", async () => {
  const server = await start({ native: { tasksMax: 1 } });
  const half = "x".repeat(TASK_CHARACTERS_MAX / 2);
  const answer = { prompt: "x", answer: half };
  const tooLong = { name: "Long", examples: [answer, answer] };
  expect(await server.call("tasks.add", tooLong)).toMatchObject(refusal(400, "invalid_value", "examples"));
  await addTask(server, { examples: [{ prompt: half.slice(1), answer: half }] });
  expect(await server.call("tasks.add", { name: "Second" })).toMatchObject({ status: 409 });
});

test("a prompt for a task is the chat of its system prompt, its examples and the messages", async () => {
  const server = await start();
  const task = await addTask(server, { modelId: "scripted", examples: [{ prompt: "1+1", answer: "2" }] });
  const messages = [
    { role: "system", content: "You add." },
    { role: "user", content: "1+1" },
    { role: "assistant", content: "2" },
    { role: "user", content: "2+3" },
  ];
  const whole = await server.call("prompt", { messages, seed: 4 });
  const { body } = await server.call("prompt", { task, prompt: "2+3", seed: 4 });
  const rest = (answer: unknown) =>
    JSON.stringify(answer)
      .replace(/"id":"[^"]*"/, "")
      .replace(/"cachedTokens":\d+/, "");
  expect(rest(body)).toBe(rest(whole.body));
});

test("what is wrong with a message is named by its place among the caller's own", async () => {
  const server = await start();
  const task = await addTask(server, { examples: [{ prompt: "1+1", answer: "2" }] });
  const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
  const messages = [
    { role: "user", content: "Look." },
    { role: "user", content: [image] },
  ];
  const found = await server.call("prompt", { task, messages });
  expect(found).toMatchObject(refusal(400, "unsupported_value"));
  expect(JSON.stringify(found.body)).toContain('"param":"messages[1].content');
});

test("an operator makes a key, whose secret works and is not shown again, and revokes it", async () => {
  const server = await start();
  const input = { accountId: "bob", name: "phone", capabilities: [{ domain: "ai", can: ["READ"] }] };
  const made = await server.ask("keys.create", input);
  const secret = /"secret":"(sk-[\w-]+)"/.exec(JSON.stringify(made.body))?.[1] ?? "";
  const id = /"id":"(key_\w+)"/.exec(JSON.stringify(made.body))?.[1] ?? "";
  expect((await server.call("models.list", undefined, secret)).status).toBe(200);
  expect((await server.call("prompt", { prompt: "Hello." }, secret)).status).toBe(403);
  const listed = JSON.stringify((await server.ask("keys.list", { accountId: "bob" })).body);
  expect(listed).toContain(id);
  expect(listed).not.toContain(secret);
  expect(listed).not.toContain("Sha256");
  expect(await server.ask("keys.revoke", { id })).toEqual(dataOf({ id }));
  expect((await server.call("models.list", undefined, secret)).status).toBe(401);
  expect(await server.ask("keys.revoke", { id: "key_0" })).toMatchObject(refusal(404, "not_found", "id"));
});

test("who may make keys, and no more, can't make itself an operator of everything", async () => {
  const server = await start();
  const maker = await server.keys.mintFor("root", [{ domain: "operator", pointers: ["*"], can: ["CREATE"] }]);
  const key = (can: readonly string[]) => ({
    accountId: "root",
    name: "k",
    capabilities: [{ domain: "operator", can }],
  });
  expect((await server.call("keys.create", key(["CREATE"]), maker)).status).toBe(200);
  for (const can of [["*"], ["READ"], ["CREATE", "DELETE"]]) {
    expect(await server.call("keys.create", key(can), maker)).toMatchObject(
      refusal(403, "insufficient_permissions", "capabilities"),
    );
  }
});

test("an operator grants credits once for each id, and sees balances, entries and accounts", async () => {
  const server = await start();
  const grant = { accountId: "bob", amount: 500, note: "welcome", grantId: "g1" };
  expect(await server.ask("credits.grant", grant)).toEqual(dataOf({ accountId: "bob", balance: 500, held: 0 }));
  expect(await server.ask("credits.grant", grant)).toEqual(dataOf({ accountId: "bob", balance: 500, held: 0 }));
  expect(await server.ask("credits.grant", { accountId: "bob", amount: -200 })).toMatchObject(dataOf({ balance: 300 }));
  expect(await server.ask("credits.balance", { accountId: "bob" })).toMatchObject(dataOf({ balance: 300 }));
  expect(await server.ask("credits.entries", { accountId: "bob", limit: 1 })).toMatchObject(dataOf([{ amount: -200 }]));
  expect(await server.ask("accounts.list", {})).toEqual(
    dataOf([
      { id: "ada", keys: 1, balance: 0, held: 0 },
      { id: "bob", keys: 0, balance: 300, held: 0 },
    ]),
  );
  expect(await server.ask("accounts.list", { after: "ada", limit: 1 })).toMatchObject(dataOf([{ id: "bob" }]));
  expect(await server.ask("accounts.get", { id: "nobody" })).toEqual(
    dataOf({ id: "nobody", keys: 0, balance: 0, held: 0 }),
  );
});

test.each([-1, 0, 1.5, Number.MAX_SAFE_INTEGER + 1])("a grant of %d is refused", async (amount) => {
  const { ask } = await start();
  expect((await ask("credits.grant", { accountId: "bob", amount })).status).toBe(400);
});

test("a grant beyond what a balance can hold is refused", async () => {
  const { ask } = await start();
  await ask("credits.grant", { accountId: "bob", amount: Number.MAX_SAFE_INTEGER });
  expect(await ask("credits.grant", { accountId: "bob", amount: 1 })).toMatchObject(
    refusal(400, "invalid_value", "amount"),
  );
});

test("a store that fails is a typed error that asks for another try, without the words of its library", async () => {
  const stores = createMemoryStores();
  const broken = { ...stores.tasks, list: () => Promise.reject(new Error("secret host of the database")) };
  const server = await start({}, { ...stores, tasks: broken });
  const answer = await server.call("tasks.list", undefined);
  expect(answer).toMatchObject(refusal(503, "store_unavailable"));
  expect(JSON.stringify(answer.body)).not.toContain("secret host");
  expect(server.internalErrors).toMatchObject([{ code: "store_unavailable" }]);
});
