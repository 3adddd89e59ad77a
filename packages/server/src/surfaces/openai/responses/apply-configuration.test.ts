import { inputItemSchema } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { applyConfiguration } from "./apply-configuration.ts";
import { decodeResponseBody } from "./decode.ts";

const FORMAT = { type: "json_schema", name: "answer", schema: { type: "object" } };
const place = (...updates: readonly object[]) =>
  updates.map((update) => ({
    item: inputItemSchema.parse({ type: "configuration_update", ...update }),
    param: "input",
  }));
const request = (more: object = {}) => decodeResponseBody({ model: "m", input: "Hello.", ...more });

test("a request without updates stays as it is", () => {
  const wire = request();
  expect(applyConfiguration(wire, [])).toBe(wire);
});

test("the last update of each setting counts", () => {
  const items = place(
    { text: { format: FORMAT }, reasoning: { effort: "low" } },
    { reasoning: { effort: "high" } },
    { reasoning: null, text: null },
  );
  expect(applyConfiguration(request(), items)).toMatchObject({
    text: { format: FORMAT },
    reasoning: { effort: "high" },
  });
});

test("what the request says itself comes before all updates", () => {
  const items = place({ text: { format: FORMAT }, reasoning: { effort: "low" } });
  const wire = request({ text: { format: { type: "text" }, verbosity: "low" }, reasoning: { effort: "none" } });
  expect(applyConfiguration(wire, items)).toEqual(wire);
});
