/**
 * The `fetch` that is put under the official SDK. It records each exchange and passes the very same bytes on at the
 * reader's own pace: nothing is buffered ahead of the SDK and nothing is changed for it.
 */

import type { Exchange, RecordedRequest } from "./exchange.ts";
import { ExchangeRecording } from "./exchange-recording.ts";
import type { AnswerLoan, Recorded } from "./shared-answers.ts";

export interface RecordingFetchOptions {
  readonly recordedBytesMax: number;
  /** Tears down what is still running when the check is over. */
  readonly signal: AbortSignal;
  /** Called before each request; it is sent when what it returns resolves. Default: at once. */
  readonly beforeSend?: () => Promise<void>;
  /** Called with each text that is sent as a body; what it returns is sent. Default: the same. */
  readonly mapBody?: (body: string) => string;
  /** Called when something of an answer has come, and when it has ended. */
  readonly onProgress?: ((recording: ExchangeRecording) => void) | undefined;
  /** Called with each exchange when its request is sent. */
  readonly onExchange: (recording: Recorded) => void;
  /** Answers that need not be asked for. Default: none. */
  readonly loan?: AnswerLoan | undefined;
  /** The transport below; global `fetch` unless a test injects another. */
  readonly fetch?: typeof globalThis.fetch;
}

export function createRecordingFetch(options: RecordingFetchOptions): typeof globalThis.fetch {
  const { mapBody = (body) => body } = options;
  const transport = options.fetch ?? globalThis.fetch;
  return async (input, given) => {
    const init = typeof given?.body === "string" ? { ...given, body: mapBody(given.body) } : given;
    // The SDK asks this of `fetch` itself, to learn whether it can send forms; no server hears of it.
    if (typeof input === "string" && input.startsWith("data:")) return transport(input, init);
    const request = describeRequest(input, init);
    const known = (await options.loan?.take(request)) ?? null;
    if (known !== null) {
      options.onExchange({ snapshot: () => known });
      return replay(known);
    }
    await options.beforeSend?.();
    const signal = AbortSignal.any([options.signal, ...(init?.signal ? [init.signal] : [])]);
    const recording = new ExchangeRecording(request, options.recordedBytesMax, options.onProgress);
    options.onExchange(recording);
    options.loan?.note(request, recording);
    try {
      const whole = await wholeForm(init);
      const response = await transport(input, { ...whole, headers: closeAfter(whole?.headers), signal });
      recording.respond(response.status, Object.fromEntries(response.headers));
      return passThrough(response, recording, signal);
    } catch (error) {
      recording.fail(error);
      throw error;
    }
  };
}

/**
 * One connection per request: a server may close an idle one at any time (RFC 9112 section 9.5), and a request that
 * meets that moment would look like a server's fault. What is recorded is what the SDK sends.
 */
function closeAfter(headers: RequestInit["headers"]): Headers {
  const sent = new Headers(headers);
  if (!sent.has("connection")) sent.set("connection", "close");
  return sent;
}

/**
 * A form goes out in one piece with its headers. In several ones, those that come after a server refused it by its headers
 * and closed the connection, as ours asks it to, would reset the connection and take the answer along.
 */
async function wholeForm(init: RequestInit | undefined): Promise<RequestInit | undefined> {
  if (!(init?.body instanceof FormData)) return init;
  const form = new Response(init.body);
  const headers = new Headers(init.headers);
  headers.set("content-type", form.headers.get("content-type") ?? "multipart/form-data");
  return { ...init, headers, body: await form.arrayBuffer() };
}

function describeRequest(input: string | URL | Request, init: RequestInit | undefined): RecordedRequest {
  const body = init?.body;
  return {
    method: init?.method ?? "GET",
    url: input instanceof Request ? input.url : String(input),
    headers: Object.fromEntries(new Headers(init?.headers)),
    body: typeof body === "string" ? body : null,
  };
}

/** What was answered before, in the pieces in which it came. */
function replay({ request, response }: Exchange): Response {
  const chunks = (response?.chunks ?? []).values();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { value } = chunks.next();
      if (value === undefined) controller.close();
      else controller.enqueue(value.bytes);
    },
  });
  const made = new Response(body, { status: response?.status ?? 200, headers: { ...response?.headers } });
  return Object.defineProperty(made, "url", { value: request.url });
}

/** Statuses that a `Response` can't be constructed with are left unwrapped; their bodies stay unrecorded. */
function passThrough(response: Response, recording: ExchangeRecording, signal: AbortSignal): Response {
  if (response.body === null) {
    recording.finish("clean");
    return response;
  }
  if (response.status < 200 || response.status > 599) return response;
  const body = recordBody(response.body.getReader(), recording, signal);
  const wrapped = new Response(body, {
    status: response.status,
    statusText: response.statusText,
    headers: response.headers,
  });
  return Object.defineProperty(wrapped, "url", { value: response.url });
}

function recordBody(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  recording: ExchangeRecording,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            recording.finish("clean");
            controller.close();
            return;
          }
          recording.append(value);
          controller.enqueue(value);
        } catch (error) {
          recording.finish(signal.aborted ? "aborted" : "cut");
          controller.error(error);
        }
      },
      async cancel(reason) {
        recording.finish("aborted");
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
