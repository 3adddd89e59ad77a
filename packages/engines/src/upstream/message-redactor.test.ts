import fc from "fast-check";
import { expect, test } from "vitest";
import { createMessageRedactor } from "./message-redactor.ts";
import { parseBaseUrl } from "./upstream-settings.ts";

const SECRETS = { host: "gpu-7.canary.internal", key: "sk-canary-key", model: "canary/model-7b" };
const redactor = createMessageRedactor({
  addresses: [parseBaseUrl(`http://${SECRETS.host}:8000/v1`), parseBaseUrl("http://10.9.8.7/v1")],
  model: SECRETS.model,
  apiKey: SECRETS.key,
});

test("addresses, our key and the upstream's model name do not reach the caller", () => {
  const words = `POST http://${SECRETS.host}:8000/v1/x (${SECRETS.host}, 10.9.8.7:80): no "${SECRETS.model}" for ${SECRETS.key}.`;
  expect(redactor.redactForCaller(words, "ours")).toBe(
    'POST [address] ([address], [address]:80): no "ours" for [key].',
  );
});

test("no secret passes wherever it stands", () => {
  const edge = fc.constantFrom(" ", '"', "'", "`", ",", "(", ")", "\n", "/", ":", "=");
  const secret = fc.constantFrom(...Object.values(SECRETS), SECRETS.host.toUpperCase(), SECRETS.model.toUpperCase());
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.oneof(edge, fc.constant("https://")), secret, edge), { maxLength: 6 }),
      (parts) => {
        const cleaned = redactor.redactForCaller(parts.flat().join(""), "ours").toLowerCase();
        for (const canary of Object.values(SECRETS)) expect(cleaned).not.toContain(canary);
      },
    ),
  );
});

test("a short model name is replaced as a word, not inside of others", () => {
  const { redactForCaller } = createMessageRedactor({
    addresses: [parseBaseUrl("http://gpu")],
    model: "a",
    apiKey: null,
  });
  expect(redactForCaller("a banana is no model: 'a'", "$&")).toBe("$& banana is no model: '$&'");
});

test("words become one line of bounded length", () => {
  expect(redactor.redactForCaller(" one\r\n\ttwo\u0000three ", "ours")).toBe("one two three");
  expect(redactor.redactForCaller("x".repeat(5000), "ours")).toBe(`${"x".repeat(1000)}…`);
});

test("a log may name the address and the model, and never the key", () => {
  expect(redactor.redactForLog(`${SECRETS.host} ${SECRETS.model} x${SECRETS.key}x`)).toBe(
    `${SECRETS.host} ${SECRETS.model} x[key]x`,
  );
});
