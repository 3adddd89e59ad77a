import type { RequestListener } from "node:http";
import type OpenAI from "openai";
import { expect, test } from "vitest";
import type { Check } from "./check.ts";
import type { CheckContext } from "./check-context.ts";
import type { Exchange } from "./exchange.ts";
import { Failure } from "./outcome-signals.ts";
import type { CheckResult } from "./outcome.ts";
import { bodyText } from "./response-body.ts";
import { runChecks } from "./runner.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { serveForTest } from "./test-server.fixture.ts";

type Ask = (context: CheckContext) => Promise<string>;

const post = (context: CheckContext, body = "{}"): Promise<Exchange> =>
  context.wire({ method: "POST", path: "/chat/completions", body });

const askWire: Ask = async (context) => bodyText(await post(context));

const askSdk: Ask = async (context) => {
  const read = async (client: OpenAI): Promise<string> => {
    let text = "";
    const stream = await client.chat.completions.create({ model: "m", stream: true, messages: [] });
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
    return text;
  };
  const { value, exchange } = await context.sdk(read);
  expect(bodyText(exchange)).toContain(JSON.stringify(value));
  return value ?? "";
};

const sendForm: Ask = async (context) => {
  const file = new File(["RIFF"], "a.wav");
  const { exchange } = await context.sdk((client) => client.audio.transcriptions.create({ model: "m", file }));
  return bodyText(exchange);
};

/** Each answer is the number of its request. */
function numbered(status = 200, end: "clean" | "cut" = "clean"): RequestListener {
  let requests = 0;
  return (_request, response) => {
    requests += 1;
    const chunk = { choices: [{ index: 0, delta: { content: String(requests) } }] };
    response.writeHead(status, { "content-type": "text/event-stream" }).write(`data: ${JSON.stringify(chunk)}\n\n`);
    if (end === "clean") response.end("data: [DONE]\n\n");
    else setTimeout(() => response.destroy(), 20);
  };
}

function readNumber(text: string): number {
  return Number(/\d+/.exec(text.replace(/^.*content/s, ""))?.[0] ?? text);
}

interface Asking extends Partial<Pick<Check, "sharesAnswers">> {
  readonly asks: readonly Ask[];
  readonly fails?: boolean;
}

/** The numbers of the answers that each check got, one check after the other, in all of their tries. */
async function runAsking(listener: RequestListener, asking: readonly Asking[]): Promise<readonly number[][]> {
  const target = { baseUrl: await serveForTest(listener), keys: { full: "sk-test" }, models: { chat: "m" } };
  const got: number[][] = asking.map(() => []);
  const plan = asking.map(({ asks, fails = false, sharesAnswers = true }, index) => {
    const run = async (context: CheckContext): Promise<void> => {
      for (const ask of asks) got[index]?.push(readNumber(await ask(context)));
      if (fails) throw new Failure({ observer: "wire", expected: "another answer", actual: "this" });
    };
    return { check: sampleCheck({ id: `chat.${index}`, sharesAnswers, run }), skip: null };
  });
  const results: readonly CheckResult[] = await runChecks({ target, plan, limits: { retriesMax: 1, concurrency: 1 } });
  expect(
    results.every(
      ({ exchanges, check }) => exchanges.length === asking[plan.findIndex((one) => one.check === check)]?.asks.length,
    ),
  ).toBe(true);
  return got;
}

test.each([
  ["the SDK", askSdk],
  ["the wire", askWire],
])("what one check was answered through %s another one looks at without asking again", async (_, ask) => {
  expect(await runAsking(numbered(), [{ asks: [ask] }, { asks: [ask] }])).toEqual([[1], [1]]);
});

test("a check that sends a request twice gets two answers, whoever was answered first", async () => {
  const got = await runAsking(numbered(), [
    { asks: [askWire] },
    { asks: [askWire, askWire] },
    { asks: [askWire, askWire, askWire] },
  ]);
  expect(got).toEqual([[1], [1, 2], [1, 2, 3]]);
});

test("another body, or the same one through the SDK, is another request", async () => {
  const askOther: Ask = async (context) => bodyText(await post(context, '{"n":1}'));
  const got = await runAsking(numbered(), [{ asks: [askWire] }, { asks: [askOther] }, { asks: [askSdk] }]);
  expect(got).toEqual([[1], [2], [3]]);
});

test("a check that does not share asks for itself, and nobody else gets its answers", async () => {
  const got = await runAsking(numbered(), [
    { asks: [askWire], sharesAnswers: false },
    { asks: [askWire] },
    { asks: [askWire], sharesAnswers: false },
  ]);
  expect(got).toEqual([[1], [2], [3]]);
});

test("with what a check does not pass, no other is answered, and its next try asks again", async () => {
  const got = await runAsking(numbered(), [{ asks: [askWire] }, { asks: [askWire], fails: true }, { asks: [askWire] }]);
  expect(got).toEqual([[1], [1, 2], [3]]);
});

test.each([
  ["a refusal", numbered(400), askWire],
  ["a body that breaks off", numbered(200, "cut"), askWire],
  ["the answer to a form whose bytes are not recorded", numbered(), sendForm],
])("%s is never shared", async (_, listener, ask) => {
  expect(await runAsking(listener, [{ asks: [ask] }, { asks: [ask] }])).toEqual([[1], [2]]);
});
