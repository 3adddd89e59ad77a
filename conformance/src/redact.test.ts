import fc from "fast-check";
import { expect, test } from "vitest";
import { createRedactor, SECRET_LENGTH_MIN } from "./redact.ts";
import { listSecrets } from "./target.ts";

/** Its beginning is no word, as that of a random secret. */
const secret = fc.string({ minLength: 10, maxLength: 40 }).map((text) => `k7${text}`);

test("neither a secret nor a beginning of it survives, raw, in JSON or in a URL", () => {
  fc.assert(
    fc.property(secret, fc.string(), fc.nat(40), (canary, around, cut) => {
      const redact = createRedactor([canary]);
      const length = Math.max(SECRET_LENGTH_MIN, cut);
      for (const form of [canary, JSON.stringify(canary).slice(1, -1), encodeURIComponent(canary)]) {
        const redacted = redact(`${around} ${form.slice(0, Math.max(length, SECRET_LENGTH_MIN))}`);
        expect(redacted).not.toContain(form.slice(0, SECRET_LENGTH_MIN));
      }
    }),
  );
});

test.each([
  ["upstream-secret-canary-4711", "upstream/down"],
  ["upstream-secret-canary-4711", "upstream"],
  ["upstream-secret-canary-4711", 'the model "upstream-service" is down'],
  ["sk-proj-Ab12Cd34Ef56Gh78Ij90", "a key begins with sk-proj-"],
  ["sk-local-gateway-0123456789abcdef", "sk-local-gateways"],
])("a name that only starts like the secret %s is kept: %s", (secretText, text) => {
  expect(createRedactor([secretText])(text)).toBe(text);
});

test.each([
  ["upstream-secret-canary-4711", "upstream-secret-canary-4711/down", "[redacted]/down"],
  ["upstream-secret-canary-4711", "upstream-se…", "[redacted]…"],
  ["upstream-secret-canary-4711", "upstream…", "[redacted]…"],
  ["upstream-secret-canary-4711", "key=upstream-secret-canary-9", "key=[redacted]9"],
  ["sk-proj-Ab12Cd34Ef56Gh78Ij90", 'wrong key "sk-proj-Ab1***"', 'wrong key "[redacted]***"'],
  ["sk-proj-Ab12Cd34Ef56Gh78Ij90", "sk-proj-Ab12Cd34Ef56Gh78IjXX", "[redacted]XX"],
  ["correcthorsebatterystaple", "correcth", "[redacted]"],
])("of the secret %s, what %s shows of it is redacted", (secretText, text, redacted) => {
  expect(createRedactor([secretText])(text)).toBe(redacted);
});

test("text without secrets stays as it is", () => {
  expect(createRedactor(["sk-abcdefgh"])("status 401, body {}")).toBe("status 401, body {}");
});

test("a placeholder key shorter than a secret is not replaced all over the report", () => {
  expect(createRedactor(["none"])("none of them")).toBe("none of them");
});

test("a token derived from a key is redacted although it is no key itself", () => {
  const redacted = createRedactor([])('{"auth":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."} rest');
  expect(redacted).toBe('{"auth":"[redacted]"} rest');
});

test("every key of a target and the secret of its upstream are secrets", () => {
  const keys = { full: "sk-full-0000", small_credit: "sk-small-1111", rate_limited: "sk-limited-2222" };
  const target = { baseUrl: "http://h/v1", keys, models: {}, fixtures: { upstream_secret: "canary-4711" } };
  const redact = createRedactor(listSecrets(target));
  expect(redact("sk-full-0000 sk-small-1111 sk-limited-2222 canary-4711")).toBe(Array(4).fill("[redacted]").join(" "));
});

test("a client secret that the server made in the run is redacted, and a name that starts like one is kept", () => {
  const redact = createRedactor([]);
  expect(redact('{"value":"ek_68af296e8e408191a1120ab6383263c2"}')).toBe('{"value":"[redacted]"}');
  expect(redact("week_68af296e8 ek_1234")).toBe("week_68af296e8 ek_1234");
});

test.each([
  ["x-portkey-custom-host", "http://127.0.0.1:8787/v1"],
  ["x-portkey-provider", "openai-compatible"],
  ["x-keyboard-layout", "us-international"],
  ["x-max-tokens-to-sample", "unlimited-by-us"],
  ["x-author-name", "somebody-of-ours"],
])("a header whose name only resembles that of a secret is shown: %s", (name, value) => {
  const target = { baseUrl: value, keys: {}, models: {}, headers: { [name]: value } };
  expect(listSecrets(target)).toEqual([]);
});

test.each([
  "x-portkey-api-key",
  "x-portkey-virtual-key",
  "x-apikey",
  "x-goog-api-key",
  "ocp-apim-subscription-key",
  "x-amz-security-token",
  "x-accesstoken",
  "helicone-auth",
  "cf-aig-authorization",
  "proxy-authorization",
  "x-client-secret",
  "x-user-password",
  "cookie",
  "x-credentials",
  "x-session-id",
])("what a header says is a secret where its name says so: %s", (name) => {
  const target = { baseUrl: "http://h/v1", keys: {}, models: {}, headers: { [name]: "open sesame" } };
  expect(listSecrets(target)).toEqual(["open sesame", "sesame"]);
});
