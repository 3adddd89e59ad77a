import { AiError } from "@openai-compat/core";
import type { AiErrorCode } from "@openai-compat/core";
import { expect, test } from "vitest";
import { renameRefusal, renameRefusals } from "./rename-refusal.ts";

const refuse = (code: AiErrorCode, message: string, param: string | null) => new AiError(code, message, { param });

test.each([
  ["messages", "input"],
  ["messages[3].content", "input"],
  ["response_format", "text.format"],
  ["response_format.json_schema.schema.properties.a", "text.format.schema.properties.a"],
  ["response_format.type", "text.format.type"],
  ["max_completion_tokens", "max_output_tokens"],
  ["max_tokens", "max_output_tokens"],
])("a refusal that blames %s of a chat blames %s of a response, in its message too", (chat, response) => {
  const renamed = renameRefusal(refuse("invalid_value", `Invalid '${chat}': '${chat}' is wrong.`, chat));
  expect(renamed).toMatchObject({
    code: "invalid_value",
    param: response,
    message: `Invalid '${response}': '${response}' is wrong.`,
  });
});

test.each(["temperature", "tools[0].name", "max_tokens_of_mine", "my_messages"])(
  "a field that is called the same stays: %s",
  (param) => {
    const refusal = refuse("invalid_value", `Invalid '${param}'.`, param);
    expect(renameRefusal(refusal)).toBe(refusal);
  },
);

test("a model that is not there is a bad request, and the rest of the refusal stays", () => {
  const cause = new Error("why");
  const refusal = new AiError("model_not_found", "The model 'a' does not exist.", {
    param: "model",
    cause,
    retryAfterMs: 5000,
  });
  const renamed = renameRefusal(refusal);
  expect(renamed).toMatchObject({
    code: "unknown_model",
    param: "model",
    message: refusal.message,
    retryAfterMs: 5000,
  });
  expect(renamed).toHaveProperty("cause", cause);
});

test("what is no refusal of this program, or blames nothing, is thrown as it is", () => {
  for (const thrown of [new Error("messages"), "messages", null, refuse("queue_full", "Busy: 'messages'.", null)]) {
    expect(renameRefusal(thrown)).toBe(thrown);
  }
});

test("calls with renamed refusals answer as before", async () => {
  const calls = renameRefusals<string, string>({
    operation: "createResponse",
    serve: (_gate, _target, request) =>
      request === "bad"
        ? Promise.reject(refuse("invalid_value", "Invalid 'messages'.", "messages"))
        : Promise.resolve(request),
  });
  expect(calls.operation).toBe("createResponse");
  const serve = (request: string): unknown => Reflect.apply(calls.serve, null, [null, null, request]);
  expect(await serve("good")).toBe("good");
  await expect(serve("bad")).rejects.toMatchObject({ param: "input", message: "Invalid 'input'." });
});
