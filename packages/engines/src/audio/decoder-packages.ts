/** The npm packages that decode, each optional: they are imported when the first file of their format comes. */

export const DECODER_PACKAGES = {
  "mpg123-decoder": async () => import("mpg123-decoder"),
  "opus-decoder": async () => import("opus-decoder"),
  "@wasm-audio-decoders/ogg-vorbis": async () => import("@wasm-audio-decoders/ogg-vorbis"),
  "@wasm-audio-decoders/flac": async () => import("@wasm-audio-decoders/flac"),
  "audio-decode": async () => import("audio-decode"),
};

export type DecoderPackages = typeof DECODER_PACKAGES;

/** A decoder that can't take this file: another one is tried, and what is missing is said if there is none. */
export class DecoderUnavailable extends Error {
  /** What would have to be installed; undefined where the decoder has no means for such a file. */
  readonly missing: string | undefined;

  constructor(missing: string | undefined, cause?: unknown) {
    super(missing ?? "unsupported", { cause });
    this.missing = missing;
  }
}

/** @throws DecoderUnavailable where the package isn't installed. */
export async function importDecoder<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (thrown) {
    const isMissing = thrown instanceof Error && "code" in thrown && thrown.code === "ERR_MODULE_NOT_FOUND";
    throw isMissing ? new DecoderUnavailable(`the npm package ${name}`, thrown) : thrown;
  }
}
