/** What an entry of the catalogue says of a model, its bytes and its sources. Types only, and what tells them apart. */
import type { RecommendedSampling } from "@openai-compat/core";

/** A file that must have exactly these bytes. */
export interface PinnedFile {
  readonly fileName: string;
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** What a pull leaves in the cache. */
export interface Artefact {
  readonly fileName: string;
  readonly sizeBytes: number;
  /**
   * Null for what a conversion makes of pinned files and that nobody has made yet: it depends on their bytes alone, and the first pull
   * remembers its checksum.
   */
  readonly sha256: string | null;
}

/**
 * What is done with a delivered file before it is used. `q4_1-to-q8_0`: llama.cpp has no fast CPU kernel for Q4_1; the
 * same weights as Q8_0 read a prompt about twice as fast, for 45 % more disk space.
 * `whisper-to-safetensors`: matrices of 8 bits in half of the space; the companions are the vocabulary and the configuration.
 */
export type Conversion = "q4_1-to-q8_0" | "whisper-to-safetensors" | BertConversion;

/**
 * A BERT sentence encoder becomes a GGUF file, or one that the ONNX embedding engine runs; the source's companion is its
 * WordPiece vocabulary. What the weights don't say is listed here.
 */
export interface BertConversion {
  readonly kind: "bert-to-gguf" | "bert-to-safetensors";
  readonly headCount: number;
  readonly layerNormEpsilon: number;
}

interface DeliveredFile {
  /** What the source delivers. */
  readonly file: PinnedFile;
  /** What turns `file` into the model's `artefact`; `null` when it is that already. */
  readonly conversion: Conversion | null;
}

/** A file in a repository of a model hub, fetched as `<hub>/<repository>/resolve/<revision>/<path>`. */
export interface HubSource extends DeliveredFile {
  /** Other files of the repository that the conversion needs. */
  readonly companions?: readonly { readonly path: string; readonly file: PinnedFile }[];
  readonly kind: "hub";
  readonly repository: string;
  /** A commit, never a branch: the bytes behind it cannot change. */
  readonly revision: string;
  readonly path: string;
}

export interface PythonWheel {
  readonly packageName: string;
  readonly version: string;
  readonly wheel: PinnedFile;
}

export interface WheelCompanion {
  readonly memberName: string;
  readonly file: PinnedFile;
}

/** A file inside a Python package, for places where the package index can be reached and the hub cannot. */
export interface PythonPackageSource extends DeliveredFile, PythonWheel {
  /** Other files of the wheel that the conversion needs. */
  readonly companions?: readonly WheelCompanion[];
  readonly kind: "python-package";
  /** The file's name inside the wheel; null: the wheel is the file. */
  readonly memberName: string | null;
}

export interface PythonPart extends PythonWheel {
  /** The part's name inside the wheel. */
  readonly memberName: string;
  readonly memberBytes: number;
  /** Other files of the wheel that the conversion needs. */
  readonly companions?: readonly WheelCompanion[];
}

/** A file that is cut into parts, each in a Python package of its own: package indexes limit the size of a wheel. */
export interface PythonPartsSource extends DeliveredFile {
  readonly kind: "python-parts";
  /** What the packages are called together, for people. */
  readonly packageNames: string;
  /** Who uploaded them, where it is not the publisher of the file; printed when the source is used. */
  readonly uploader: string;
  /** In the order in which they make the file. */
  readonly parts: readonly PythonPart[];
}

/** Files of one hub repository which, one after the other, are the file. */
export interface HubPartsSource extends DeliveredFile {
  readonly kind: "hub-parts";
  readonly repository: string;
  /** As of a `HubSource`. */
  readonly revision: string;
  readonly parts: readonly { readonly path: string; readonly file: PinnedFile }[];
}

/** A file at an address that its publisher chose. */
export interface ReleaseSource extends DeliveredFile {
  readonly kind: "release";
  /** Who published what, for people. */
  readonly publisher: string;
  readonly url: string;
}

/** Files of an npm package which, one after the other, are the file. */
export interface NpmPackageSource extends DeliveredFile {
  readonly kind: "npm-package";
  readonly packageName: string;
  readonly version: string;
  readonly tarball: PinnedFile;
  /** By their names inside the tarball. */
  readonly members: readonly { readonly name: string; readonly sizeBytes: number }[];
}

export type ModelSource =
  | HubSource
  | HubPartsSource
  | ReleaseSource
  | PythonPackageSource
  | PythonPartsSource
  | NpmPackageSource;

interface PullableEntry {
  readonly id: string;
  readonly name: string;
  /** SPDX identifier of the weights' licence. */
  readonly licence: string;
  readonly description: string;
  /** The most that it takes in memory with the engine's default settings, as the engine's estimate says of its file, its process not counted. */
  readonly memoryBytes: number;
  /** Too small to be of use to people: it shows that the server works. */
  readonly isDemonstration: boolean;
  /** Other entries that it can't be used without; they are pulled with it. Default: none. */
  readonly needs?: readonly string[];
  /** The file that the cache holds in the end: the same bytes from whichever source. */
  readonly artefact: Artefact;
  /** In the order in which they are tried. */
  readonly sources: readonly ModelSource[];
}

/** A model that llama.cpp runs. */
export interface LlamaEntry extends PullableEntry {
  readonly type: "chat" | "embedding";
  /** Longest context that the model was trained for. */
  readonly contextTokens: number;
  /** How tokens are sampled where a request does not say it. */
  readonly sampling: RecommendedSampling;
}

/** A sentence encoder that ONNX Runtime runs. */
export interface OnnxEmbeddingEntry extends PullableEntry {
  readonly type: "embedding";
  /** Longest input, markers included. */
  readonly contextTokens: number;
}

export function isLlamaEntry(entry: CatalogueEntry): entry is LlamaEntry {
  return entry.artefact.fileName.endsWith(".gguf");
}

export function isOnnxEmbeddingEntry(entry: CatalogueEntry): entry is OnnxEmbeddingEntry {
  return entry.type === "embedding" && !isLlamaEntry(entry);
}

/** `data`: what models need, and is none. */
export interface SpeechEntry extends PullableEntry {
  readonly type: "speech" | "data";
}

/** A model that the Whisper engine runs. */
export interface TranscriptionEntry extends PullableEntry {
  readonly type: "transcription";
}

export type CatalogueEntry = LlamaEntry | OnnxEmbeddingEntry | SpeechEntry | TranscriptionEntry;

/** The files of a source that its conversion needs beside the one that is converted, in the order in which they are named. */
export function listCompanions(source: ModelSource): readonly PinnedFile[] {
  switch (source.kind) {
    case "hub":
    case "python-package":
      return (source.companions ?? []).map(({ file }) => file);
    case "python-parts":
      return source.parts.flatMap(({ companions = [] }) => companions.map(({ file }) => file));
    case "hub-parts":
    case "release":
    case "npm-package":
      return [];
  }
}
