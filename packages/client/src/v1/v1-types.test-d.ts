/** What the types of `client.v1` say, and what they must refuse. */

import type { BinaryAnswer, Stream, V1, V1Answer, V1Event, V1Input } from "../index.ts";

type Same<Left, Right> = [Left, Right] extends [Right, Left] ? true : false;

function expectType<Expected>() {
  return <Actual>(_value: Promise<Actual>, _same: Same<Actual, Expected>): void => {};
}

declare const v1: V1;
declare const wantsStream: boolean;
const messages = [{ role: "user" as const, content: "Hello." }];
const chat = { model: "m", messages };
const form = { model: "m", file: new Uint8Array() };

type Chat = V1Answer<"createChatCompletion">;
type ChatEvent = V1Event<"createChatCompletion">;

expectType<Chat>()(v1.createChatCompletion(chat), true);
expectType<Chat>()(v1.createChatCompletion({ ...chat, stream: false }), true);
expectType<Stream<ChatEvent>>()(v1.createChatCompletion({ ...chat, stream: true }), true);
expectType<Chat | Stream<ChatEvent>>()(v1.createChatCompletion({ ...chat, stream: wantsStream }), true);
expectType<BinaryAnswer>()(v1.createSpeech({ model: "m", input: "a", voice: "b" }), true);
expectType<Stream<V1Event<"createSpeech">>>()(
  v1.createSpeech({ model: "m", input: "a", voice: "b", stream_format: "sse" }),
  true,
);

expectType<string>()(v1.createTranscription({ ...form, response_format: "srt" }), true);
expectType<string>()(v1.createTranslation({ ...form, response_format: "text" }), true);
expectType<Stream<V1Event<"createTranscription">>>()(v1.createTranscription({ ...form, stream: true }), true);
/** A text that is one of several may be another one: servers have values of their own. */
type Tier = NonNullable<Chat["service_tier"]>;
export const tiers: readonly Tier[] = ["default", "on_demand"];
// @ts-expect-error -- but no number
export const noTier: Tier = 7;
// @ts-expect-error -- what can be one text alone stays so
export const noObject: Chat["object"] = "list";

export const shapes = {
  plain: async () => (await v1.createTranscription(form)).text,
  verbose: async () => (await v1.createTranscription({ ...form, response_format: "verbose_json" })).duration,
  diarized: async () =>
    (await v1.createTranscription({ ...form, response_format: "diarized_json" })).segments[0]?.speaker,
  // @ts-expect-error -- the plain format has no duration
  wrong: async () => (await v1.createTranscription(form)).duration,
  models: async () => (await v1.listModels()).data[0]?.id,
  secret: async () => (await v1.createRealtimeClientSecret({})).value,
  nullable: async () => (await v1.createChatCompletion(chat)).choices[0]?.message.tool_calls?.length,
};

// @ts-expect-error -- no field that the specification doesn't know
void v1.createChatCompletion({ ...chat, temprature: 1 });
// @ts-expect-error -- no value of another type
void v1.createChatCompletion({ ...chat, temperature: "hot" });
// @ts-expect-error -- no input without what is required
void v1.createChatCompletion({ model: "m" });
// @ts-expect-error -- no path without its parameter
void v1.retrieveModel({});
// @ts-expect-error -- no input where there is none
void v1.listModels({ limit: 3 });
// @ts-expect-error -- no format that the specification doesn't know
void v1.createTranscription({ ...form, response_format: "html" });
// @ts-expect-error -- no file that is a text
void v1.createTranscription({ model: "m", file: "speech.mp3" });
// @ts-expect-error -- no operation that the specification doesn't know
void v1.createMiracle({});

export type Inputs = [
  Same<V1Input<"retrieveModel">, { model: string }>,
  Same<V1Input<"createTranscription">["stream"], boolean | undefined>,
];
export const inputs: Inputs = [true, true];
