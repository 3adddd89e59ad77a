/**
 * The first audio stream of an Ogg file, and those of its codec that follow it: the file may be several, one after
 * the other. Other streams beside it, such as pictures, are skipped.
 */

import { audioError } from "./audio-error.ts";
import { type OggPage, readOggPages } from "./ogg-pages.ts";
import { oggCodecAt } from "./recognise-format.ts";
import type { PcmBlock, PcmSource, PcmSourceContext } from "./pcm-source.ts";

/** Each has a decoder of its own, which takes some 20 ms to make. */
export const CHAINED_STREAMS_MAX = 100;

/** Decodes one logical stream. */
export interface OggStreamReader {
  /** Called with each page of the stream, from the first one. */
  read(page: OggPage): AsyncIterable<PcmBlock>;
  /** Called when the stream has no more pages. */
  end(): AsyncIterable<PcmBlock>;
  close(): void;
}

/** @param head The first packet of the stream. */
type OpenStream = (head: Uint8Array, context: PcmSourceContext) => Promise<OggStreamReader>;

export function createOggSource(codec: ReturnType<typeof oggCodecAt>, open: OpenStream): PcmSource {
  return async function* decodeOgg(bytes, context) {
    let reader: OggStreamReader | undefined;
    let serial = -1;
    let count = 0;
    // The streams that run side by side all begin before any goes on.
    let isOpening = true;
    try {
      for (const page of readOggPages(bytes)) {
        if (page.isFirst && oggCodecAt(page.body, 0) === codec && !(isOpening && reader !== undefined)) {
          count += 1;
          if (count > CHAINED_STREAMS_MAX)
            throw audioError(`The ogg file has more than ${CHAINED_STREAMS_MAX} streams.`);
          if (reader !== undefined) yield* reader.end();
          reader?.close();
          reader = await open(page.body, context);
          serial = page.serial;
        }
        isOpening = page.isFirst;
        if (reader !== undefined && page.serial === serial) yield* reader.read(page);
        if (context.slices.isOver) await context.slices.next();
      }
      if (reader !== undefined) yield* reader.end();
    } finally {
      reader?.close();
    }
  };
}
