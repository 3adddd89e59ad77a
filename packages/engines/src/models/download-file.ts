/**
 * Downloads one file of known size over HTTP: resumes what an earlier try left, bounds every wait, retries what may
 * pass by itself. It does not know the file's checksum; the caller verifies before use, and discards what was joined
 * wrongly.
 */
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { AiError } from "@openai-compat/core";
import { fileSize } from "./file-checksum.ts";
import { describeFailure } from "./model-unavailable-error.ts";

export interface DownloadSettings {
  /** For host look-up, connection and response head together. */
  readonly responseTimeoutMs: number;
  /** Without any byte of the body. */
  readonly idleTimeoutMs: number;
  readonly redirectsMax: number;
  /** Tries in all; each goes on where the one before ended. A host that cannot be reached is tried once. */
  readonly triesMax: number;
  /** Before the second try; doubled before each further one. */
  readonly retryDelayMs: number;
}

export const DEFAULT_DOWNLOAD_SETTINGS: DownloadSettings = {
  responseTimeoutMs: 4500,
  idleTimeoutMs: 30_000,
  redirectsMax: 5,
  triesMax: 5,
  retryDelayMs: 500,
};

export interface DownloadFileOptions {
  readonly url: URL;
  /** Appears when all bytes are there. Until then they lie in `<targetPath>.partial`. */
  readonly targetPath: string;
  /** A server that offers another size is refused before its first byte. */
  readonly sizeBytes: number;
  readonly settings: DownloadSettings;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (receivedBytes: number) => void;
}

/** A failure that another try may get past. */
class TransientError extends AiError {
  constructor(reason: string) {
    super("engine_unavailable", reason);
  }
}

/**
 * @returns whether the file was joined from several responses
 * @throws AiError `engine_unavailable` with what the server did; the abort reason when `signal` aborts
 */
export async function downloadFile(options: DownloadFileOptions): Promise<{ readonly isJoined: boolean }> {
  const { settings, signal } = options;
  let isJoined = false;
  for (let tries = 1; ; tries += 1) {
    try {
      isJoined = (await receiveRest(options)) > 0;
      break;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof TransientError)) throw error;
      if (tries >= settings.triesMax) {
        throw new AiError("engine_unavailable", `${error.message} (${tries} tries)`, { cause: error });
      }
      await delay(settings.retryDelayMs * 2 ** (tries - 1), undefined, signal === undefined ? {} : { signal });
    }
  }
  await rename(partialPath(options), options.targetPath);
  await rm(statePath(options), { force: true });
  return { isJoined };
}

/** @returns how many bytes were there before */
async function receiveRest(options: DownloadFileOptions): Promise<number> {
  const resume = await readResumePoint(options);
  if (resume?.offset === options.sizeBytes) return resume.offset;
  const idle = new AbortController();
  const signals = options.signal === undefined ? [idle.signal] : [idle.signal, options.signal];
  const response = await openResponse(options, resume, AbortSignal.any(signals));
  try {
    const offset = await acceptResponse(response, options, resume);
    await writeBody({ response, offset, idle }, options);
    return offset;
  } finally {
    idle.abort();
  }
}

interface ResumePoint {
  readonly offset: number;
  /** What the server calls this state of the file: a strong ETag or a date. Null where it says neither. */
  readonly validator: string | null;
}

/**
 * Bytes are appended only to bytes from the same address. A server that names the state of its file is asked for the
 * rest of that state; many package indexes name none, and there the caller's checksum says whether the parts fit.
 */
async function readResumePoint(options: DownloadFileOptions): Promise<ResumePoint | null> {
  const offset = await fileSize(partialPath(options));
  if (offset === null || offset === 0 || offset > options.sizeBytes) return null;
  try {
    const state: unknown = JSON.parse(await readFile(statePath(options), "utf8"));
    if (typeof state !== "object" || state === null || !("url" in state) || !("validator" in state)) return null;
    const { url, validator } = state;
    if (url !== options.url.href || (validator !== null && typeof validator !== "string")) return null;
    return { offset, validator };
  } catch {
    return null;
  }
}

async function openResponse(
  options: DownloadFileOptions,
  resume: ResumePoint | null,
  signal: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (resume !== null) headers["range"] = `bytes=${resume.offset}-`;
  if (resume !== null && resume.validator !== null) headers["if-range"] = resume.validator;
  const head = new AbortController();
  const timer = setTimeout(() => head.abort(), options.settings.responseTimeoutMs);
  try {
    let url = options.url;
    for (let redirects = 0; redirects <= options.settings.redirectsMax; redirects += 1) {
      const response = await fetch(url.href, {
        headers,
        redirect: "manual",
        signal: AbortSignal.any([signal, head.signal]),
      });
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || location === null) return response;
      await response.body?.cancel();
      url = resolveRedirect(location, url);
    }
    throw new AiError("engine_unavailable", `it redirected more than ${options.settings.redirectsMax} times`);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof AiError) throw error;
    if (head.signal.aborted) {
      throw new AiError("engine_unavailable", `it did not answer within ${options.settings.responseTimeoutMs} ms`);
    }
    throw new AiError("engine_unavailable", describeFailure(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function resolveRedirect(location: string, from: URL): URL {
  const to = URL.parse(location, from.href);
  const isSafe = to?.protocol === "https:" || (to?.protocol === "http:" && from.protocol === "http:");
  if (to === null || !isSafe)
    throw new AiError("engine_unavailable", "it redirected to an address that is not allowed");
  return to;
}

/** Decides from the response's head where its bytes belong, and forgets what was received when they start anew. */
async function acceptResponse(
  response: Response,
  options: DownloadFileOptions,
  resume: ResumePoint | null,
): Promise<number> {
  const etag = strongEtag(response);
  if (response.status === 206 && resume !== null) {
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
    const continues = Number(range?.[1]) === resume.offset && Number(range?.[2]) === options.sizeBytes;
    const isOther = etag !== null && resume.validator?.startsWith('"') === true && etag !== resume.validator;
    if (continues && !isOther) return resume.offset;
    await forgetPartial(options);
    throw new TransientError("it answered with another part of the file than was asked for");
  }
  if (response.status === 416 && resume !== null) {
    await forgetPartial(options);
    throw new TransientError("it refused to continue the download");
  }
  if (response.status !== 200) {
    const mayPass = response.status === 429 || response.status >= 500;
    const reason = `it answered with status ${response.status}`;
    throw mayPass ? new TransientError(reason) : new AiError("engine_unavailable", reason);
  }
  const length = response.headers.get("content-length");
  if (length !== null && Number(length) !== options.sizeBytes) {
    throw new AiError("engine_unavailable", `it offers ${length} bytes instead of ${options.sizeBytes}`);
  }
  await forgetPartial(options);
  const validator = etag ?? response.headers.get("last-modified");
  await writeFile(statePath(options), JSON.stringify({ url: options.url.href, validator }));
  return 0;
}

interface Body {
  readonly response: Response;
  readonly offset: number;
  /** Aborts the response when no byte comes for too long. */
  readonly idle: AbortController;
}

async function writeBody({ response, offset, idle }: Body, options: DownloadFileOptions): Promise<void> {
  const { idleTimeoutMs } = options.settings;
  await using file = await open(partialPath(options), "a");
  let receivedBytes = offset;
  options.onProgress(receivedBytes);
  const timer = setTimeout(() => idle.abort(), idleTimeoutMs);
  try {
    for await (const chunk of bodyChunks(response)) {
      timer.refresh();
      receivedBytes += chunk.length;
      if (receivedBytes > options.sizeBytes) {
        await forgetPartial(options);
        throw new AiError("engine_unavailable", `it sent more than ${options.sizeBytes} bytes`);
      }
      await file.appendFile(chunk);
      options.onProgress(receivedBytes);
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    if (idle.signal.aborted) throw new TransientError(`it sent nothing for ${idleTimeoutMs} ms`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
  if (receivedBytes < options.sizeBytes) throw cutError(receivedBytes, options.sizeBytes);

  async function* bodyChunks({ body }: Response): AsyncGenerator<Uint8Array> {
    if (body === null) return;
    const reader = body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read().catch(() => {
          throw cutError(receivedBytes, options.sizeBytes);
        });
        if (done) return;
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }
}

function cutError(receivedBytes: number, sizeBytes: number): TransientError {
  return new TransientError(`the connection ended after ${receivedBytes} of ${sizeBytes} bytes`);
}

function strongEtag(response: Response): string | null {
  const etag = response.headers.get("etag");
  return etag?.startsWith('"') === true ? etag : null;
}

/** Whether an earlier try left bytes of the file. */
export async function hasPartialDownload(targetPath: string): Promise<boolean> {
  return ((await fileSize(partialPath({ targetPath }))) ?? 0) > 0;
}

async function forgetPartial(options: Pick<DownloadFileOptions, "targetPath">): Promise<void> {
  await rm(partialPath(options), { force: true });
  await rm(statePath(options), { force: true });
}

function partialPath({ targetPath }: Pick<DownloadFileOptions, "targetPath">): string {
  return `${targetPath}.partial`;
}

function statePath({ targetPath }: Pick<DownloadFileOptions, "targetPath">): string {
  return `${targetPath}.partial.json`;
}
