/** What lies beyond this process: upstreams, the issuer's keys, the clocks of both, and the port. */

import { createServer } from "node:net";
import type { Config } from "../config.ts";
import type { ModelConfig } from "../model-config.ts";
import { describeThrown } from "./doctor-finding.ts";
import type { Finding } from "./doctor-finding.ts";

/** For one answer. */
const ANSWER_TIMEOUT_MS = 5000;
/** Of a `date` header, which counts in seconds and travels for a while. */
const DATE_RESOLUTION_MS = 2000;

interface NetworkFinding extends Finding {
  /** How far the other's clock is ahead of this one's, in milliseconds; null when it did not say. */
  readonly clockAheadMs: number | null;
}

export async function examineNetwork(
  config: Config,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly Finding[]> {
  const upstreams = config.models.map((model) => examineUpstreams(model, resolveKey(model, environment)));
  const issuer = config.auth.jwksUrl === null ? [] : [examineKeySet(config.auth.jwksUrl)];
  const asked = [...(await Promise.all(upstreams)).flat(), ...(await Promise.all(issuer))];
  const findings = asked.map(({ about, status, message }) => ({ about, status, message }));
  return [...findings, ...judgeClock(asked, config.auth.clockToleranceSeconds), await examinePort(config)];
}

function resolveKey(
  { engine }: ModelConfig,
  environment: Readonly<Record<string, string | undefined>>,
): string | null | undefined {
  if (engine.kind !== "upstream") return null;
  return engine.apiKeyEnvironment === null ? engine.apiKey : environment[engine.apiKeyEnvironment];
}

/** A model that has a place to go to can be served: the places that fail are then something to look after. */
async function examineUpstreams(
  model: ModelConfig,
  key: string | null | undefined,
): Promise<readonly NetworkFinding[]> {
  if (model.engine.kind !== "upstream") return [];
  const findings = await Promise.all(model.engine.baseUrls.map((url) => examineUpstream(model, url, key)));
  if (!findings.some(({ status }) => status === "ok")) return findings;
  return findings.map((finding) =>
    finding.status === "fail"
      ? { ...finding, status: "warn", message: `${finding.message}; calls go to the others` }
      : finding,
  );
}

async function examineUpstream(
  model: ModelConfig,
  baseUrl: string,
  key: string | null | undefined,
): Promise<NetworkFinding> {
  const { origin, pathname } = new URL(baseUrl);
  const place = `${origin}${pathname.replace(/\/+$/, "")}`;
  const about = `model ${model.id}`;
  if (key === undefined) {
    const message = "its upstream's key is to be in an environment variable that is not set";
    return { about, status: "fail", message, clockAheadMs: null };
  }
  const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
  return ask(about, `${place}/models`, {
    headers,
    judge: (status) => {
      if (status === 200) return { about, status: "ok", message: `${place} answers` };
      const reason = status === 401 || status === 403 ? "it refuses the key" : `it answers ${status} on /models`;
      return { about, status: status === 404 ? "warn" : "fail", message: `${place}: ${reason}` };
    },
  });
}

function examineKeySet(url: string): Promise<NetworkFinding> {
  const about = "issuer's keys";
  return ask(about, url, {
    headers: {},
    judge: (status) =>
      status === 200
        ? { about, status: "ok", message: "the issuer answers" }
        : { about, status: "fail", message: `auth.jwksUrl answers ${status}` },
  });
}

async function ask(
  about: string,
  url: string,
  { headers, judge }: { headers: Record<string, string>; judge: (status: number) => Finding },
): Promise<NetworkFinding> {
  try {
    // As the engine asks: `fetch` would refuse ports that it takes for other protocols'.
    const { request } = await import("undici");
    const response = await request(url, { headers, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    response.body.on("error", () => {}).destroy();
    const dateMs = Date.parse(String(response.headers["date"]));
    return { ...judge(response.statusCode), clockAheadMs: Number.isNaN(dateMs) ? null : dateMs - Date.now() };
  } catch (thrown) {
    const { origin } = new URL(url);
    return {
      about,
      status: "fail",
      message: `${origin} can't be reached: ${describeThrown(thrown)}`,
      clockAheadMs: null,
    };
  }
}

function judgeClock(asked: readonly NetworkFinding[], toleranceSeconds: number): readonly Finding[] {
  const about = "clock";
  const differences = asked.flatMap(({ clockAheadMs }) => (clockAheadMs === null ? [] : [clockAheadMs]));
  if (differences.length === 0) return [];
  const widest = differences.reduce((widestMs, ms) => (Math.abs(ms) > Math.abs(widestMs) ? ms : widestMs));
  if (Math.abs(widest) <= toleranceSeconds * 1000 + DATE_RESOLUTION_MS) {
    return [{ about, status: "ok", message: "it agrees with the others'" }];
  }
  const seconds = Math.round(Math.abs(widest) / 1000);
  const message = `it is ${seconds} s ${widest > 0 ? "behind" : "ahead of"} another server's: set it by NTP, or tokens are refused`;
  return [{ about, status: "warn", message }];
}

async function examinePort({ host, port }: Config): Promise<Finding> {
  const about = "port";
  const thrown = await tryToListen(host, port);
  if (thrown === null) return { about, status: "ok", message: port === 0 ? "any free one" : `${host}:${port} is free` };
  if (!("code" in thrown) || thrown.code !== "EADDRINUSE") {
    return { about, status: "fail", message: `${host}:${port} can't be listened on: ${thrown.message}` };
  }
  if (await isServedByUs(host, port)) {
    return { about, status: "warn", message: `${host}:${port} is taken by a server of this kind that runs` };
  }
  const message = `${host}:${port} is taken by another program: choose another with --port`;
  return { about, status: "fail", message };
}

function tryToListen(host: string, port: number): Promise<Error | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen(port, host, () => server.close(() => resolve(null)));
  });
}

/** The health endpoint's format; any other answer is from another program. */
async function isServedByUs(host: string, port: number): Promise<boolean> {
  const name = host.includes(":") ? `[${host}]` : host;
  return fetch(`http://${name}:${port}/healthz`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).then(
    async (response) => (await response.text()) === '{"status":"ok"}',
    () => false,
  );
}
