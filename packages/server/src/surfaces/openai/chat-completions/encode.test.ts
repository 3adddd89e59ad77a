import { expect, test } from "vitest";
import { createTestApp } from "../../../testing/test-server.ts";

const { post } = await createTestApp({ models: [{ id: "chat", isDefault: true }] });

async function ask(fields: object): Promise<unknown> {
  const messages = [{ role: "user", content: "Good day" }];
  const response = await post("/v1/chat/completions", { model: "chat", messages, temperature: 0, ...fields });
  return response.json();
}

test("an answer that a stop string ended at its beginning has no log probabilities, but the list of them", async () => {
  expect(await ask({ stop: "H", logprobs: true })).toMatchObject({
    choices: [{ message: { content: "" }, finish_reason: "stop", logprobs: { content: [], refusal: null } }],
  });
});

test("log probabilities that were not requested are null", async () => {
  expect(await ask({ stop: "H" })).toMatchObject({ choices: [{ message: { content: "" }, logprobs: null }] });
});
