import { expect, test } from "vitest";
import { checks } from "../checks/index.ts";
import type { Check } from "../src/check.ts";
import { makeRefusal } from "./refusal.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { recordChecks } from "./record-calls.ts";
import { listReplaced, selectChecks } from "./select-checks.ts";
import { defineReferenceWire } from "./wire.ts";

const MODELS = "models.list.shape";
const CHAT = "chat.completion.answers";
const STREAM = "chat.stream.content-type";
const SPEECH = "auth.speech.unknown-key";
const UNPAID = "billing.no-credit.refused";

const asked = [MODELS, CHAT, STREAM, SPEECH, UNPAID].map((id): Check => {
  const check = checks.find((candidate) => candidate.id === id);
  if (check === undefined) throw new Error(`no check ${id}`);
  return check;
});
const records = await recordChecks(asked);

function select(mutate: Mutant["mutate"]): readonly string[] {
  const mutant = { id: "test", description: "a test's own", intended: [], mutate };
  return selectChecks(mutant, records).map(({ id }) => id);
}

test("checks are selected that call what a mutant replaces, where it returns something else", () => {
  expect(select(() => ({ reply: (reply) => ({ ...reply, status: 500 }) }))).toEqual([
    MODELS,
    CHAT,
    STREAM,
    SPEECH,
    UNPAID,
  ]);
  expect(
    select(() => ({ reply: (reply, call) => (call.method === "GET" ? { ...reply, status: 500 } : reply) })),
  ).toEqual([MODELS]);
  expect(select(() => ({ reply: (reply) => ({ ...reply }) }))).toEqual([]);
});

test("a function of one operation concerns the checks of that one", () => {
  const changed = ({ operations }: ReturnType<typeof defineReferenceWire>, name: "encode" | "encodeStream") => ({
    operations: { ...operations, createChatCompletion: { ...operations.createChatCompletion, [name]: () => [] } },
  });
  expect(select((wire) => changed(wire, "encode"))).toEqual([CHAT]);
  expect(select((wire) => changed(wire, "encodeStream"))).toEqual([STREAM]);
});

test("of a mutant that replaces several functions, a difference in one of them is enough", () => {
  const admit = () => makeRefusal("unauthenticated");
  expect(select((wire) => ({ admit, frame: wire.frame }))).toEqual([MODELS, CHAT, STREAM, UNPAID]);
  expect(select((wire) => ({ admit: wire.admit, frame: () => "" }))).toEqual([STREAM]);
});

test("what keeps state or waits is selected for by a call alone, whatever it returns", () => {
  expect(select(({ admission }) => ({ admission: (call) => admission(call) }))).toHaveLength(asked.length);
  expect(
    select(({ ledger }) => ({ ledger: { ...ledger, charge: (account, tokens) => ledger.charge(account, tokens) } })),
  ).toEqual([CHAT, STREAM]);
  expect(select(({ slots }) => ({ slots: { ...slots, take: () => true } }))).toEqual([]);
});

test("a function that returns the same and charges an account on the way makes a difference", () => {
  const mutate: Mutant["mutate"] = ({ ledger, refusalBody }) => ({
    refusalBody: (refusal, call) => {
      ledger.charge("empty", 1);
      return refusalBody(refusal, call);
    },
  });
  expect(select(mutate)).toEqual([SPEECH, UNPAID]);
});

test("a function that fails makes a difference, and a value that was read does", () => {
  const rateHeaders = () => {
    throw new Error("no headers");
  };
  expect(select(() => ({ rateHeaders }))).toEqual([CHAT, STREAM, UNPAID]);
  expect(select(() => ({ models: [] }))).toEqual([MODELS, CHAT, STREAM, UNPAID]);
});

test("state of a mutant begins anew with each check", () => {
  const mutate: Mutant["mutate"] = ({ reply }) => {
    let calls = 0;
    return { reply: (given, call) => (++calls > 1 ? { ...given, status: 500 } : reply(given, call)) };
  };
  expect(select(mutate)).toEqual([]);
});

test("only what differs counts as replaced", () => {
  const wire = defineReferenceWire();
  const { operations, ledger } = wire;
  const part = {
    operations: { ...operations, createSpeech: { ...operations.createSpeech, encode: () => ({}) } },
    ledger: { ...ledger, covers: () => true },
  };
  expect([...listReplaced(part, wire).keys()]).toEqual(["ledger.covers", "operations.createSpeech.encode"]);
});
