import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { DEFAULT_DOWNLOAD_SETTINGS, downloadFile, type DownloadSettings } from "./download-file.ts";
import { answerStatus, holdAfter, startFakeHub, type FakeHub } from "./testing/fake-hub.ts";
import { makeTemporaryDirectory } from "./testing/temporary-directory.ts";

const BYTES = randomBytes(200_000);

test("a file is downloaded completely and its progress reported", async () => {
  await using hub = await startFakeHub(BYTES);
  const progress: number[] = [];
  const { bytes } = await download(hub, { onProgress: (received) => progress.push(received) });
  expect(bytes.equals(BYTES)).toBe(true);
  expect(progress.at(-1)).toBe(BYTES.length);
  expect(progress).toEqual(progress.toSorted((left, right) => left - right));
});

test("a download that was cut goes on where it ended", async () => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(holdAfter(BYTES, 50_000));
  const { bytes } = await download(hub, { cutAt: 50_000 });
  expect(bytes.equals(BYTES)).toBe(true);
  expect(hub.requests[1]?.headers.range).toBe("bytes=50000-");
  expect(hub.requests[1]?.headers["if-range"]).toBe('"first"');
});

test("a later call goes on with what an earlier one left", async () => {
  await using hub = await startFakeHub(BYTES);
  await using directory = await makeTemporaryDirectory();
  hub.misbehave(holdAfter(BYTES, 70_000));
  await expect(downloadTo(directory.path, hub, { triesMax: 1, cutAt: 70_000 })).rejects.toThrow(
    "after 70000 of 200000 bytes",
  );
  expect((await downloadTo(directory.path, hub)).equals(BYTES)).toBe(true);
  expect(hub.requests[1]?.headers.range).toBe("bytes=70000-");
});

test("a file that changed in between starts anew", async () => {
  await using hub = await startFakeHub(BYTES);
  const other = randomBytes(BYTES.length);
  hub.misbehave(holdAfter(BYTES, 50_000));
  hub.serve(other, '"second"');
  const { bytes } = await download(hub, { cutAt: 50_000 });
  expect(bytes.equals(other)).toBe(true);
});

test("a part with another ETag than the one asked for is not appended", async () => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(holdAfter(BYTES, 50_000), (_request, response) => {
    const range = `bytes 50000-${BYTES.length - 1}/${BYTES.length}`;
    response.writeHead(206, { "content-range": range, etag: '"other"' }).end(randomBytes(150_000));
  });
  const { bytes } = await download(hub, { cutAt: 50_000 });
  expect(bytes.equals(BYTES)).toBe(true);
  expect(hub.requests[2]?.headers.range).toBeUndefined();
});

test("a server that ignores ranges gives the whole file again", async () => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(holdAfter(BYTES, 50_000), (_request, response) => void response.writeHead(200).end(BYTES));
  const { bytes } = await download(hub, { cutAt: 50_000 });
  expect(bytes.equals(BYTES)).toBe(true);
});

test("a server that names no state of its file is asked for the rest all the same", async () => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(holdAfter(BYTES, 50_000, 'W/"weak"'), (request, response) => {
    const range = `bytes 50000-${BYTES.length - 1}/${BYTES.length}`;
    expect(request.headers["if-range"]).toBeUndefined();
    response.writeHead(206, { "content-range": range }).end(BYTES.subarray(50_000));
  });
  const { bytes, isJoined } = await download(hub, { cutAt: 50_000 });
  expect(bytes.equals(BYTES)).toBe(true);
  expect(isJoined).toBe(true);
  expect(hub.requests[1]?.headers.range).toBe("bytes=50000-");
});

test("without an ETag the date of the file says whether the rest belongs to it", async () => {
  await using hub = await startFakeHub(BYTES);
  const date = "Sat, 28 Nov 2026 10:00:00 GMT";
  hub.misbehave((_request, response) => {
    response.writeHead(200, { "content-length": BYTES.length, "last-modified": date });
    response.write(BYTES.subarray(0, 50_000));
  });
  const { bytes, isJoined } = await download(hub, { cutAt: 50_000 });
  expect(hub.requests[1]?.headers["if-range"]).toBe(date);
  expect(bytes.equals(BYTES)).toBe(true);
  expect(isJoined).toBe(false);
});

test("a refused range starts anew", async () => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(holdAfter(BYTES, 50_000), answerStatus(416));
  const { bytes } = await download(hub, { cutAt: 50_000 });
  expect(bytes.equals(BYTES)).toBe(true);
});

test("redirects are followed", async () => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(answerStatus(302, { location: "/elsewhere?signed=1" }));
  const { bytes } = await download(hub);
  expect(bytes.equals(BYTES)).toBe(true);
  expect(hub.requests[1]?.url).toBe("/elsewhere?signed=1");
});

test("too many redirects are an error", async () => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(...Array.from({ length: 3 }, () => answerStatus(302, { location: "/again" })));
  await expect(download(hub, { redirectsMax: 2 })).rejects.toThrow("it redirected more than 2 times");
  expect(hub.requests).toHaveLength(3);
});

test("a redirect to another kind of address is refused", async () => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(answerStatus(302, { location: "file:///etc/passwd" }));
  await expect(download(hub)).rejects.toThrow("it redirected to an address that is not allowed");
});

test.each([401, 403, 404])("status %d is final", async (status) => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(answerStatus(status));
  await expect(download(hub)).rejects.toThrow(`it answered with status ${status}`);
  expect(hub.requests).toHaveLength(1);
});

test.each([429, 500, 503])("status %d is tried again", async (status) => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(answerStatus(status));
  const { bytes } = await download(hub);
  expect(bytes.equals(BYTES)).toBe(true);
});

test("tries end", async () => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(...Array.from({ length: 3 }, () => answerStatus(500)));
  await expect(download(hub, { triesMax: 3 })).rejects.toThrow("it answered with status 500 (3 tries)");
  expect(hub.requests).toHaveLength(3);
});

test("a server that never answers is given up without another try", async () => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(() => undefined);
  await expect(download(hub, { responseTimeoutMs: 30 })).rejects.toThrow("it did not answer within 30 ms");
  expect(hub.requests).toHaveLength(1);
});

test("a server that falls silent is asked for the rest", async () => {
  await using hub = await startFakeHub(BYTES);
  hub.misbehave(holdAfter(BYTES, 1000));
  const { bytes } = await download(hub, { idleTimeoutMs: 50 });
  expect(bytes.equals(BYTES)).toBe(true);
  expect(hub.requests[1]?.headers.range).toBe("bytes=1000-");
});

test("a file of another size is refused before its first byte", async () => {
  await using hub = await startFakeHub(BYTES.subarray(1));
  await expect(download(hub)).rejects.toThrow("it offers 199999 bytes instead of 200000");
});

test("a body that goes on beyond the size is cut off and forgotten", async () => {
  await using hub = await startFakeHub(BYTES);
  await using directory = await makeTemporaryDirectory();
  hub.misbehave((_request, response) => {
    response.write(BYTES);
    response.end("more");
  });
  await expect(downloadTo(directory.path, hub)).rejects.toThrow("it sent more than 200000 bytes");
  expect(existsSync(path.join(directory.path, "file.partial"))).toBe(false);
});

test("a refused connection is not tried again", async () => {
  const hub = await startFakeHub(BYTES);
  await hub[Symbol.asyncDispose]();
  await expect(download(hub, { retryDelayMs: 60_000 })).rejects.toThrow("the connection was refused");
});

test("an aborted download throws the reason and keeps what it has", async () => {
  await using hub = await startFakeHub(BYTES);
  await using directory = await makeTemporaryDirectory();
  hub.misbehave(holdAfter(BYTES, 1000));
  const controller = new AbortController();
  const onProgress = (received: number): void => {
    if (received === 1000) controller.abort(new Error("enough"));
  };
  const { signal } = controller;
  await expect(downloadTo(directory.path, hub, { signal, onProgress })).rejects.toThrow("enough");
  expect((await readFile(path.join(directory.path, "file.partial"))).equals(BYTES.subarray(0, 1000))).toBe(true);
});

interface TestOptions extends Partial<DownloadSettings> {
  readonly signal?: AbortSignal;
  readonly onProgress?: (receivedBytes: number) => void;
  /** The hub drops the connection when so many bytes have arrived. */
  readonly cutAt?: number;
}

async function download(hub: FakeHub, options: TestOptions = {}): Promise<{ bytes: Buffer; isJoined: boolean }> {
  await using directory = await makeTemporaryDirectory();
  return await receive(directory.path, hub, options);
}

async function downloadTo(directory: string, hub: FakeHub, options: TestOptions = {}): Promise<Buffer> {
  return (await receive(directory, hub, options)).bytes;
}

async function receive(directory: string, hub: FakeHub, options: TestOptions) {
  const { signal, onProgress, cutAt, ...settings } = options;
  const targetPath = path.join(directory, "file");
  const { isJoined } = await downloadFile({
    url: new URL("/owner/model/resolve/abc/file", hub.url),
    targetPath,
    sizeBytes: BYTES.length,
    settings: { ...DEFAULT_DOWNLOAD_SETTINGS, retryDelayMs: 1, ...settings },
    signal,
    onProgress(received) {
      onProgress?.(received);
      if (received === cutAt) hub.cut();
    },
  });
  return { bytes: await readFile(targetPath), isJoined };
}
