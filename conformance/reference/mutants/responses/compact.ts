/** Servers that compact a conversation wrongly, or let others read it. */

import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import type { CompactAnswer } from "../../operations/compact-conversation.ts";
import type { Fields } from "../../operations/operation.ts";
import { REFERENCE_MODELS } from "../../models.ts";
import { makeRefusal } from "../../refusal.ts";
import { openSummary, sealSummary } from "../../operations/summary-seal.ts";
import { type Mutant, mutateOperation, type Naming, omit } from "../mutant.ts";

const ID = "Compactconversation";

/** @param change of the items */
function changeOutput(naming: Naming, change: (output: readonly JsonObject[]) => readonly JsonObject[]): Mutant {
  return mutateOperation(naming, ID, ({ encode }) => ({
    encode: (answer: CompactAnswer) =>
      encode({ ...answer, body: { ...answer.body, output: change(answer.body.output) } }),
  }));
}

function changeRequest(naming: Naming, change: (request: Fields) => Fields): Mutant {
  return mutateOperation(naming, ID, ({ answer }) => ({
    answer: (request, context) => answer(change(request), context),
  }));
}

const isCompaction = ({ type }: JsonObject) => type === "compaction";
const isMessage = ({ type }: JsonObject) => type === "message";

function changeSealed(naming: Naming, change: (sealed: string) => string): Mutant {
  return changeOutput(naming, (output) =>
    output.map((item) =>
      isCompaction(item) ? { ...item, encrypted_content: change(String(item["encrypted_content"])) } : item,
    ),
  );
}

const FEW_TOKENS = { input_tokens: 4, output_tokens: 4, total_tokens: 8 };
const [model] = REFERENCE_MODELS;

function refuseCompactions(naming: Naming, operation: typeof ID | "createResponse"): Mutant {
  return mutateOperation(naming, operation, ({ validate }) => ({
    validate: (request) =>
      listItems(request).some(isCompaction) ? makeRefusal("invalid_value", { param: "input" }) : validate(request),
  }));
}

/** @param change of each compaction in the input of a response; null leaves it out */
function changeInput(naming: Naming, change: (item: JsonObject, account: string) => JsonObject | null): Mutant {
  return mutateOperation(naming, "createResponse", ({ answer }) => ({
    answer(request, context) {
      if (!listItems(request).some(isCompaction)) return answer(request, context);
      const input = listItems(request).flatMap((item) => {
        const changed = isCompaction(item) ? change(item, context.account) : item;
        return changed === null ? [] : [changed];
      });
      return answer({ ...request, input }, context);
    },
  }));
}

function listItems({ input }: Fields): readonly JsonObject[] {
  return Array.isArray(input) ? input.filter(isJsonObject) : [];
}

export const compactionMutants: readonly Mutant[] = [
  mutateOperation(
    {
      id: "responses.compact.other-object",
      description: "a compaction says that it is a response",
      intended: ["responses.compact.answers", "responses.compact.shape"],
    },
    ID,
    ({ encode }) => ({ encode: (answer) => ({ ...Object(encode(answer)), object: "response" }) }),
  ),
  changeOutput(
    {
      id: "responses.compact.compaction-first",
      description: "the compaction comes before the messages",
      intended: ["responses.compact.answers"],
    },
    (output) => [...output.filter(isCompaction), ...output.filter(isMessage)],
  ),
  changeOutput(
    {
      id: "responses.compact.last-message-alone",
      description: "of the user's messages the last one alone stays",
      intended: ["responses.compact.user-messages", "responses.compact.previous"],
    },
    (output) => [...output.filter(isMessage).slice(-1), ...output.filter(isCompaction)],
  ),
  changeSealed(
    {
      id: "responses.compact.in-the-clear",
      description: "a compaction is its summary in base64",
      intended: ["responses.compact.opaque", "responses.compact.goes-on", "responses.compact.again"],
    },
    (sealed) => Buffer.from(openSummary(sealed)?.text ?? "").toString("base64"),
  ),
  changeSealed(
    {
      id: "responses.compact.empty",
      description: "a compaction has no summary in it",
      intended: ["responses.compact.goes-on"],
    },
    (sealed) => sealSummary({ account: openSummary(sealed)?.account ?? "", text: "" }),
  ),
  changeRequest(
    {
      id: "responses.compact.without-previous",
      description: "what was said before is not compacted",
      intended: ["responses.compact.previous", "responses.compact.unknown-previous"],
    },
    (request) => omit(request, "previous_response_id"),
  ),
  mutateOperation(
    {
      id: "responses.compact.reads-the-end",
      description: "of the conversation the last words alone are read",
      intended: ["responses.compact.input-read"],
    },
    ID,
    ({ encode }) => ({
      encode: (answer) =>
        encode({ ...answer, body: { ...answer.body, usage: { ...Object(answer.body["usage"]), ...FEW_TOKENS } } }),
    }),
  ),
  refuseCompactions(
    {
      id: "responses.compact.refuses-compacted",
      description: "a conversation is compacted once",
      intended: ["responses.compact.again"],
    },
    ID,
  ),
  refuseCompactions(
    {
      id: "responses.compact.not-read-again",
      description: "a response refuses any compaction",
      intended: ["responses.compact.goes-on"],
    },
    "createResponse",
  ),
  changeInput(
    {
      id: "responses.compact.of-all",
      description: "any account has a compaction read",
      intended: ["responses.compact.other-account"],
    },
    (item, account) => {
      const summary = openSummary(item["encrypted_content"]);
      return summary === null ? item : { ...item, encrypted_content: sealSummary({ ...summary, account }) };
    },
  ),
  changeInput(
    {
      id: "responses.compact.skips-damaged",
      description: "a compaction that can't be read is left out in silence",
      intended: ["responses.compact.tampered"],
    },
    (item) => (openSummary(item["encrypted_content"]) === null ? null : item),
  ),
  mutateOperation(
    {
      id: "responses.compact.free-of-charge",
      description: "an account without credits gets a compaction",
      intended: ["responses.compact.no-credit"],
    },
    ID,
    () => ({ estimate: () => 0 }),
  ),
  mutateOperation(
    {
      id: "responses.compact.any-model",
      description: "a request without a model is answered by some model",
      intended: ["responses.compact.refuses-model"],
    },
    ID,
    ({ decode }) => ({
      decode(call, reader) {
        const decoded = decode(call, reader);
        return "refusal" in decoded ? decoded : { fields: { model: model?.id, ...decoded.fields } };
      },
    }),
  ),
  mutateOperation(
    {
      id: "responses.compact.any-input",
      description: "any input is compacted",
      intended: ["responses.compact.refuses-type"],
    },
    ID,
    ({ validate }) => ({
      validate: (request) => validate(typeof request["input"] === "number" ? { ...request, input: "5" } : request),
    }),
  ),
];
