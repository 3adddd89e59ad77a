/** Which decoders may take a file of a format, and in which order they are tried. */

import { unsupportedAudioError } from "./audio-error.ts";
import { DecoderUnavailable } from "./decoder-packages.ts";
import { createFfmpegSource } from "./ffmpeg-source.ts";
import { flacSource } from "./flac-source.ts";
import { mp3Source } from "./mp3-source.ts";
import { oggOpusSource } from "./ogg-opus-source.ts";
import { oggFlacSource, oggVorbisSource } from "./ogg-paged-source.ts";
import { createPeerSource } from "./peer-source.ts";
import { wavSource } from "./wav-samples.ts";
import type { AudioFormat } from "./recognise-format.ts";
import type { DecodeLimits } from "./decode-limits.ts";
import type { PcmSource } from "./pcm-source.ts";

const OWN_SOURCES: Partial<Record<AudioFormat, PcmSource>> = {
  wav: wavSource,
  mp3: mp3Source,
  flac: flacSource,
  "ogg vorbis": oggVorbisSource,
  "ogg opus": oggOpusSource,
  "ogg flac": oggFlacSource,
};

export interface SourceOptions {
  readonly limits: DecodeLimits;
  readonly ffmpegCommand: string;
}

/** @returns A source that throws `unsupported_value` with what is missing where no decoder takes the file. */
export function openSource(format: AudioFormat, { limits, ffmpegCommand }: SourceOptions): PcmSource {
  const cpuSecondsMax = Math.ceil(limits.workMsMax / 1000);
  const sources = [
    OWN_SOURCES[format],
    createFfmpegSource({ format, command: ffmpegCommand, cpuSecondsMax }),
    createPeerSource(format),
  ];
  return async function* decodeWithFirst(bytes, context) {
    const missing: string[] = [];
    for (const source of sources) {
      if (source === undefined) continue;
      try {
        yield* source(bytes, context);
        return;
      } catch (thrown) {
        if (!(thrown instanceof DecoderUnavailable)) throw thrown;
        if (thrown.missing !== undefined) missing.push(thrown.missing);
      }
    }
    throw unsupportedAudioError(
      `This server can't decode this ${format} file without ${missing.join(" or ")}, which it doesn't have. ` +
        "A wav file with PCM samples can always be decoded.",
    );
  };
}
