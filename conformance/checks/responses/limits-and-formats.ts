/** Checks of what a request for a response forces: the limit of its tokens, and its output format. */

import { type Check, defineCheck } from "../../src/check.ts";
import { expectThat, isJsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { readOutputText, requireSupported, RESPONSES } from "../support/response-calls.ts";
import { LONG_PROMPT } from "../support/chat-calls.ts";
import { closedObject, expectFits, expectJsonText, type Form, LOTS } from "../support/forms.ts";
import { z } from "zod";

const FORCED = { ...RESPONSES, tier: "forced" } as const;
const LOT: Form = {
  schema: closedObject({ lot: { type: "string", enum: LOTS } }),
  shape: z.strictObject({ lot: z.enum(LOTS) }),
};
/** Enough for any text that a format here forces. */
const FORMAT_TOKENS = 160;

export const responseForcedChecks: readonly Check[] = [
  defineCheck({
    ...FORCED,
    id: "responses.limit.incomplete",
    requirement: "An answer that its limit ends is `incomplete`, for the reason `max_output_tokens`.",
    reference: "OpenAPI Response.status, Response.incomplete_details.reason",
    breaks: "Clients take half an answer for a whole one; the SDK's `parse` reports broken JSON in place of the limit.",
    async run(context) {
      const body = await requireSupported(context, { input: LONG_PROMPT, max_output_tokens: 16 }, "max_output_tokens");
      const { status, incomplete_details: details, usage } = body;
      const used = isJsonObject(usage) ? usage["output_tokens"] : undefined;
      if (typeof used === "number" && used < 16 && status === "completed") {
        throw new Inconclusive("the model ended by itself", "model");
      }
      const reason = isJsonObject(details) ? details["reason"] : undefined;
      expectThat(status === "incomplete" && reason === "max_output_tokens", {
        observer: "wire",
        expected: 'the status "incomplete" and the reason "max_output_tokens"',
        actual: JSON.stringify({ status, incomplete_details: details, usage }),
      });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "responses.format.json-schema",
    requirement: "With `text.format` of the type json_schema the text conforms to the schema.",
    reference: "OpenAPI TextResponseFormatJsonSchema",
    breaks: "`responses.parse` of the SDKs, generateObject of the Vercel AI SDK, Codex's --output-schema.",
    async run(context) {
      const format = { type: "json_schema", name: "lot", strict: true, schema: LOT.schema };
      const fields = { text: { format }, max_output_tokens: FORMAT_TOKENS };
      const body = await requireSupported(context, fields, "text", "json_schema");
      if (body["status"] !== "completed") throw new Inconclusive("the answer was cut", "model");
      expectFits(expectJsonText(readOutputText(body)), LOT);
    },
  }),
  defineCheck({
    ...FORCED,
    id: "responses.format.json-object",
    requirement: "With `text.format` of the type json_object the text is a JSON object.",
    reference: "OpenAPI ResponseFormatJsonObject",
    breaks: "Programs that ask for JSON and parse what comes.",
    async run(context) {
      const fields = {
        input: "Answer with a short JSON object about the sea.",
        text: { format: { type: "json_object" } },
        max_output_tokens: FORMAT_TOKENS,
      };
      const body = await requireSupported(context, fields, "text", "json_object");
      if (body["status"] !== "completed") throw new Inconclusive("the answer was cut", "model");
      const value = expectJsonText(readOutputText(body));
      expectThat(isJsonObject(value), { observer: "wire", expected: "a JSON object", actual: JSON.stringify(value) });
    },
  }),
];
