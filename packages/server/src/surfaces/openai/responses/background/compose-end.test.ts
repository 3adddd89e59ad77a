import { describe, expect, test } from "vitest";
import { composeEnd } from "./compose-end.ts";

const QUEUED = { id: "resp_1", status: "queued", output: [], model: "m" };
const UNITS = { inputTokens: 9, cachedTokens: 4, outputTokens: 3, audioMs: 0, characters: 0 };
const FAILED = { status: "failed", error: { code: "server_error", message: "It broke." }, units: UNITS } as const;
const CANCELLED = { status: "cancelled", error: null, units: null } as const;

const added = (item: object) => ({ type: "response.output_item.added", item });
const done = (item: object) => ({ type: "response.output_item.done", item });
const delta = (text: string) => ({ type: "response.output_text.delta", delta: text });

describe("a response that broke off", () => {
  test("is the last known one, with its status, its error and the number of its event", () => {
    const running = { ...QUEUED, status: "in_progress", model: "served" };
    const events = [
      { type: "response.created", response: QUEUED },
      { type: "response.in_progress", response: running },
    ];
    expect(composeEnd(QUEUED, events, FAILED)).toMatchObject({
      type: "response.failed",
      sequence_number: 2,
      response: { id: "resp_1", model: "served", status: "failed", error: FAILED.error, completed_at: null },
    });
  });

  test("is the queued one where nothing else is stored", () => {
    const { response, sequence_number: number } = composeEnd(QUEUED, [], CANCELLED);
    expect(number).toBe(0);
    expect(response).toMatchObject({ id: "resp_1", status: "cancelled", error: null, output: [] });
  });

  test("shows the usage that is paid for, and none where nothing was used", () => {
    expect(composeEnd(QUEUED, [], FAILED).response["usage"]).toMatchObject({
      input_tokens: 9,
      input_tokens_details: { cached_tokens: 4 },
      output_tokens: 3,
      total_tokens: 12,
    });
    expect(composeEnd(QUEUED, [], CANCELLED).response["usage"]).toBeNull();
  });
});

describe("its output", () => {
  const list = (events: readonly object[]) =>
    composeEnd(
      QUEUED,
      events.map((event) => ({ ...event })),
      FAILED,
    ).response["output"];

  test("has whole items as they were", () => {
    const message = {
      id: "msg_1",
      type: "message",
      status: "completed",
      content: [{ type: "output_text", text: "a" }],
    };
    expect(list([added({ ...message, content: [] }), delta("a"), done(message)])).toEqual([message]);
  });

  test.each([
    ["message", { content: [{ type: "output_text", text: "ab", annotations: [], logprobs: [] }] }],
    ["function_call", { arguments: "ab" }],
    ["custom_tool_call", { input: "ab" }],
  ])("ends with what there is of a %s, incomplete", (type, cut) => {
    const item = { id: "item_1", type, status: "in_progress" };
    expect(list([added(item), delta("a"), delta("b")])).toEqual([{ ...item, status: "incomplete", ...cut }]);
  });

  test("has of reasoning that was cut the item alone", () => {
    const item = { id: "rs_1", type: "reasoning", summary: [] };
    expect(list([added(item), delta("Hm")])).toEqual([{ ...item, status: "incomplete" }]);
  });

  test("gives no item the text of the one before it", () => {
    const [first, second] = ["msg_1", "msg_2"].map((id) => ({ id, type: "message" }));
    expect(list([added({ ...first }), delta("a"), done({ ...first }), added({ ...second }), delta("b")])).toEqual([
      first,
      {
        ...second,
        status: "incomplete",
        content: [{ type: "output_text", text: "b", annotations: [], logprobs: [] }],
      },
    ]);
  });

  test("skips what is said outside of an item", () => {
    expect(list([delta("lost")])).toEqual([]);
  });
});
