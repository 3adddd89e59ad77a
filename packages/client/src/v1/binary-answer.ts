/** An answer of bytes, such as speech. */

import type { HttpAnswer } from "../http/send-request.ts";

/** Its body can be read once, as a stream or as a whole. */
export interface BinaryAnswer {
  /** Such as `audio/mpeg`; an empty text where the server says nothing. */
  readonly contentType: string;
  /** The bytes as they come. It fails with a `ClientError`; cancelling it ends the call. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly requestId: string | null;
  /** The whole body, in memory. */
  arrayBuffer(): Promise<ArrayBuffer>;
}

export function createBinaryAnswer({ response, requestId, watch }: HttpAnswer): BinaryAnswer {
  watch.endWait();
  const reader = response.body?.getReader();
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          watch.startWait();
          const next = await reader?.read();
          watch.endWait();
          if (next?.value !== undefined) return controller.enqueue(next.value);
          watch.close();
          controller.close();
        } catch (thrown) {
          controller.error(watch.toError(thrown));
          watch.close();
        }
      },
      cancel() {
        watch.abort();
        watch.close();
      },
    },
    { highWaterMark: 0 },
  );
  return {
    contentType: response.headers.get("content-type") ?? "",
    stream,
    requestId,
    arrayBuffer: async () => new Response(stream).arrayBuffer(),
  };
}
