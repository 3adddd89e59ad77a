import { expect, test } from "vitest";
import { createChatTemplate } from "./chat-template.ts";

const PLAIN =
  "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";

function createTemplate(source: string) {
  return createChatTemplate({ source, bosText: "<s>", eosText: "</s>" });
}

const weather = { id: "call_1", name: "weather", arguments: '{"city":"Rome"}' };

test("the template gets the messages, its first and last tokens and the generation prompt", () => {
  const template = createTemplate(`{{ bos_token }}${PLAIN}{{ eos_token }}`);
  expect(template.render([{ role: "user", content: "Hi" }])).toBe("<s>[user]Hi[assistant]</s>");
});

test("a template without tools gets calls and results as tagged text", () => {
  const text = createTemplate(PLAIN).render([
    { role: "assistant", content: "", toolCalls: [weather] },
    { role: "tool", content: "sunny", toolCallId: "call_1" },
  ]);
  expect(text).toBe(
    '[assistant]<tool_call>\n{"name":"weather","arguments":{"city":"Rome"}}\n</tool_call>' +
      "[user]<tool_response>\nsunny\n</tool_response>[assistant]",
  );
});

test("a template with tools gets calls as objects, and broken arguments as the text that they are", () => {
  const template = createTemplate(
    "{% for m in messages %}{% for c in m.tool_calls %}{{ c.function.name }}:{{ c.function.arguments | tojson }};{% endfor %}{% endfor %}",
  );
  const toolCalls = [weather, { ...weather, arguments: "{broken" }];
  expect(template.render([{ role: "assistant", content: "", toolCalls }])).toBe(
    'weather:{"city": "Rome"};weather:"{broken";',
  );
});

test.each(["null", "[1]", "1"])("arguments of %s are no object and stay text", (text) => {
  const template = createTemplate(
    "{% for m in messages %}{% for c in m.tool_calls %}{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}",
  );
  const toolCalls = [{ ...weather, arguments: text }];
  expect(template.render([{ role: "assistant", content: "", toolCalls }])).toBe(JSON.stringify(text));
});

test("arguments that are nested too deep to be printed stay text", () => {
  const template = createTemplate(
    "{% for m in messages %}{% for c in m.tool_calls %}{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}",
  );
  const nest = (depth: number) => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  const render = (text: string) =>
    template.render([{ role: "assistant", content: "", toolCalls: [{ ...weather, arguments: text }] }]);
  expect(render(nest(99))).not.toContain('\\"');
  expect(render(nest(100))).toBe(JSON.stringify(nest(100)));
  expect(render(nest(50_000))).toBe(JSON.stringify(nest(50_000)));
});

test("what the template raises becomes a refusal of the messages", () => {
  const template = createTemplate("{{ raise_exception('roles must alternate') }}");
  expect(() => template.render([])).toThrow(
    expect.objectContaining({
      code: "invalid_request",
      param: "messages",
      message: "The model's chat template refuses these messages: roles must alternate",
    }),
  );
});

test("a template with tools gets the reasoning of an earlier answer", () => {
  const template = createTemplate(
    "{% for m in messages %}<{{ m.reasoning_content }}>{% for c in m.tool_calls %}{{ c.function.name }}{% endfor %}{% endfor %}",
  );
  expect(template.render([{ role: "assistant", content: "", reasoning: "Hm.", toolCalls: [weather] }])).toBe(
    "<Hm.>weather",
  );
});
