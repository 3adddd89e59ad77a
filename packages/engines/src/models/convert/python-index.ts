/**
 * Finds the URL of a wheel on the configured package index, so that it can be downloaded like any other file. It
 * downloads none itself.
 *
 * Protocol: https://packaging.python.org/en/latest/specifications/simple-repository-api/
 */
import { AiError } from "@openai-compat/core";
import type { PythonWheel } from "../catalogue.ts";
import { runPip, type PipOptions } from "./pip.ts";

/** The page of a package that has been released a thousand times takes about as much. */
export const INDEX_PAGE_BYTES_MAX = 8 * 1024 * 1024;
const ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";
/** So wide that pip's help breaks no address. */
const HELP_COLUMNS = "4000";

/**
 * The index that pip would ask, its own default included: pip's help shows it.
 *
 * @throws AiError `engine_unavailable` without pip, and where pip alone may ask: it is configured to use no index, or
 *   its index needs a password, which pip hides
 */
export async function readIndexUrl(options: PipOptions): Promise<URL> {
  const wide = { ...options, environment: { ...options.environment, COLUMNS: HELP_COLUMNS } };
  const [help, settings] = await Promise.all([
    runPip(["download", "--help"], wide),
    runPip(["config", "list"], options),
  ]);
  if (/no-index='(?!'|0|false|no|off)/i.test(settings)) throw refuse("pip is configured to use no index");
  const url = URL.parse(/--index-url\b.*?\(default:?\s+(\S+?)\)/s.exec(help)?.[1] ?? "");
  if (url === null || !/^https?:$/.test(url.protocol)) throw refuse("pip does not say which index it uses");
  if (url.password !== "" || url.username !== "") throw refuse("the package index needs a password");
  return url;
}

export interface FindWheelOptions {
  readonly indexUrl: URL;
  /** For the whole page. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws AiError `engine_unavailable` when the index does not answer, or does not have the wheel */
export async function findWheelUrl(
  { packageName, wheel: { fileName } }: PythonWheel,
  { indexUrl, timeoutMs, signal }: FindWheelOptions,
): Promise<URL> {
  const page = new URL(`${indexUrl.href.replace(/\/?$/, "/")}${packageName}/`);
  const timeout = AbortSignal.timeout(timeoutMs);
  const response = await fetch(page, {
    headers: { accept: ACCEPT },
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw refuse(`the package index answered with status ${response.status}`);
  }
  const text = await readPage(response);
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  for (const link of isJson ? listJsonLinks(text) : listHtmlLinks(text)) {
    const url = URL.parse(link, response.url);
    const isAllowed = url?.protocol === "https:" || (url?.protocol === "http:" && indexUrl.protocol === "http:");
    if (url === null || !isAllowed || url.pathname.split("/").at(-1) !== fileName) continue;
    url.hash = "";
    return url;
  }
  throw refuse(`the package index has no ${fileName}`);
}

async function readPage(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > INDEX_PAGE_BYTES_MAX) throw refuse("the package index answered with too long a page");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function listJsonLinks(text: string): readonly string[] {
  let page: unknown;
  try {
    page = JSON.parse(text);
  } catch {
    throw refuse("the package index answered with broken JSON");
  }
  if (typeof page !== "object" || page === null || !("files" in page) || !Array.isArray(page.files)) return [];
  return page.files.flatMap((file: unknown) =>
    typeof file === "object" && file !== null && "url" in file && typeof file.url === "string" ? [file.url] : [],
  );
}

function listHtmlLinks(text: string): readonly string[] {
  return [...text.matchAll(/<a\s[^>]*?href\s*=\s*["']([^"']*)["']/gi)].map(([, link = ""]) =>
    link.replaceAll("&amp;", "&"),
  );
}

function refuse(reason: string): AiError {
  return new AiError("engine_unavailable", reason);
}
