/** A package index on the loopback interface: lists its wheels, and serves them with ranges and without ETags. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface FakeIndex extends AsyncDisposable {
  /** What pip would be given. */
  readonly url: string;
  /** `<file>` or `<file> <range>` of each request for a wheel, in order. */
  readonly downloads: string[];
  /** By file name; may be changed. */
  readonly wheels: Map<string, Buffer>;
  /** The next answer with this wheel sends so many bytes, then nothing more until `cut()` drops the connection. */
  readonly holdAfter: (fileName: string, length: number) => void;
  /** Drops every connection whose response is not complete. */
  readonly cut: () => void;
}

export interface FakeIndexOptions {
  readonly wheels: Readonly<Record<string, Buffer>>;
  /** How pages are written. Default JSON. */
  readonly page?: "json" | "html";
  /** Blanks before the page. */
  readonly pagePadding?: number;
}

export async function startFakeIndex({ wheels, page = "json", pagePadding = 0 }: FakeIndexOptions): Promise<FakeIndex> {
  const files = new Map(Object.entries(wheels));
  const held = new Map<string, number>();
  const downloads: string[] = [];
  const open = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    open.add(response.once("close", () => open.delete(response)));
    const path = request.url ?? "";
    if (path.startsWith("/simple/")) return listWheels(response);
    const fileName = path.replace("/files/", "").replace("?a=1&b=2", "");
    const bytes = files.get(fileName);
    if (bytes === undefined) return void response.writeHead(404).end();
    downloads.push([fileName, request.headers.range].filter((part) => part !== undefined).join(" "));
    return serveWheel(bytes, {
      request,
      response,
      heldAt: held.get(fileName) ?? null,
      release: () => held.delete(fileName),
    });
  });

  function listWheels(response: ServerResponse): void {
    const links = [...files.keys()].map((name) => ({ filename: name, url: `../../files/${name}?a=1&b=2`, hashes: {} }));
    const html = links.map(({ filename, url }) => `<a href="${url.replace("&", "&amp;")}#sha256=00">${filename}</a>`);
    const type = page === "json" ? "application/vnd.pypi.simple.v1+json" : "text/html";
    const body =
      page === "json" ? JSON.stringify({ files: links }) : `<!DOCTYPE html><body>${html.join("<br/>")}</body>`;
    response.writeHead(200, { "content-type": type }).end(" ".repeat(pagePadding) + body);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The fake index has no port.");
  return {
    url: `http://127.0.0.1:${address.port}/simple`,
    downloads,
    wheels: files,
    holdAfter: (fileName, length) => void held.set(fileName, length),
    cut: () => {
      for (const response of open) if (!response.writableEnded) response.destroy();
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface WheelAnswer {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly heldAt: number | null;
  readonly release: () => void;
}

function serveWheel(bytes: Buffer, { request, response, heldAt, release }: WheelAnswer): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const rest = bytes.subarray(start);
  const range = { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(start === 0 ? 200 : 206, { "content-length": rest.length, ...(start > 0 && range) });
  if (heldAt === null) return void response.end(rest);
  release();
  response.write(rest.subarray(0, heldAt));
}
