/** The archive of the voice hibari: what turns English text into phonemes, for every voice, and its own model. */

import { gunzipSync } from "node:zlib";
import { AiError } from "@openai-compat/core";
import { openZip } from "../models/convert/zip-member.ts";
import type { ZipReader } from "../models/convert/zip-member.ts";
import type { OnnxModule, OnnxSession } from "../onnx/onnx-runtime.ts";
import { openOnnxSession } from "../onnx/onnx-runtime.ts";
import { createNormaliser } from "./normalise/normalise-text.ts";
import type { NormaliseText } from "./normalise/normalise-text.ts";
import type { ReadingTables } from "./normalise/reading-tables.ts";
import { createDictionary } from "./phonemes/dictionary.ts";
import type { Pronunciation } from "./phonemes/dictionary.ts";
import { Lexicon } from "./phonemes/lexicon.ts";
import { createPhonemiser } from "./phonemes/phonemiser.ts";
import type { Phonemise } from "./phonemes/phonemiser.ts";
import { createTagger } from "./phonemes/tag-words.ts";
import type { TaggerData } from "./phonemes/tag-words.ts";
import { createTokeniser } from "./phonemes/tokenise.ts";
import { createUnknownWords } from "./phonemes/unknown-words.ts";
import type { UnknownWordsData } from "./phonemes/unknown-words.ts";

export type Accent = "american" | "british";

/** Turns text into phonemes of one accent. */
export interface Reader {
  readonly normalise: NormaliseText;
  readonly phonemise: Phonemise;
  readonly dispose: () => Promise<void>;
}

export interface VoiceAssets extends AsyncDisposable {
  /** The number of each phoneme in the models. */
  readVocabulary(): Promise<ReadonlyMap<string, number>>;
  readModel(): Promise<Uint8Array>;
  /** Words whose point ends no sentence. */
  readTitles(): Promise<ReadonlySet<string>>;
  openReader(runtime: OnnxModule, accent: Accent): Promise<Reader>;
}

/** Of a file of the archive, as it is and unpacked. */
const ASSET_BYTES_MAX = 64 * 1024 * 1024;
const FOLDER = "hibari/assets";
const SUFFIXES: Readonly<Record<Accent, { readonly lexicon: string; readonly oov: string }>> = {
  american: { lexicon: "us", oov: "oov" },
  british: { lexicon: "gb", oov: "oov_gb" },
};

/** @throws AiError `engine_unavailable` for a file that is no such archive */
export async function openVoiceAssets(archivePath: string): Promise<VoiceAssets> {
  const archive = await explain(() => openZip(archivePath), archivePath);
  const read = (name: string): Promise<Buffer> =>
    explain(() => archive.read(`${FOLDER}/${name}`, ASSET_BYTES_MAX), archivePath);
  return {
    readVocabulary: async () => new Map(Object.entries(await readJson<Record<string, number>>(read, "vocab.json"))),
    readModel: () => read("hibari.onnx"),
    readTitles: async () => new Set(Object.keys((await readJson<ReadingTables>(read, "normalize.json")).titles)),
    openReader: (runtime, accent) => openReader({ read, runtime, accent }),
    [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
  };
}

type ReadAsset = ZipReader["read"] extends (...given: never[]) => infer Read ? (name: string) => Read : never;

interface OpenReaderOptions {
  readonly read: ReadAsset;
  readonly runtime: OnnxModule;
  readonly accent: Accent;
}

async function openReader({ read, runtime, accent }: OpenReaderOptions): Promise<Reader> {
  const { lexicon, oov } = SUFFIXES[accent];
  const gold = await readJson<Record<string, Pronunciation | null>>(read, `lexicon_${lexicon}_gold.json.gz`);
  const silver = await readJson<Record<string, Pronunciation | null>>(read, `lexicon_${lexicon}_silver.json.gz`);
  const session: OnnxSession = await openOnnxSession(runtime, { model: await read(`${oov}.onnx`), threads: 1 });
  const unknownWords = createUnknownWords(runtime, session, await readJson<UnknownWordsData>(read, `${oov}.json`));
  return {
    normalise: createNormaliser(await readJson<ReadingTables>(read, "normalize.json")),
    phonemise: createPhonemiser({
      tokenise: createTokeniser(await readJson<Record<string, readonly string[]>>(read, "tokenizer_exceptions.json")),
      tag: createTagger(await readJson<TaggerData>(read, "tagger.json.gz")),
      lexicon: new Lexicon({
        gold: createDictionary(gold),
        silver: createDictionary(silver),
        isBritish: accent === "british",
      }),
      unknownWords,
    }),
    dispose: () => session.release(),
  };
}

/** The archive is pinned by its checksum, so the shape of its files is known. */
async function readJson<Value>(read: ReadAsset, name: string): Promise<Value> {
  const bytes = await read(name);
  const text = name.endsWith(".gz") ? gunzipSync(bytes, { maxOutputLength: ASSET_BYTES_MAX }) : bytes;
  return JSON.parse(text.toString("utf8"));
}

async function explain<Value>(load: () => Promise<Value>, archivePath: string): Promise<Value> {
  try {
    return await load();
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const message = `The voice's archive ${archivePath} can't be read: ${reason}`;
    throw new AiError("engine_unavailable", message, { cause: thrown });
  }
}
