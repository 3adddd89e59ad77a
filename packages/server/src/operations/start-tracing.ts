/**
 * Traces over OTLP, when an endpoint is configured. Only then is OpenTelemetry loaded at all; its SDK is no dependency
 * of this package, because few installations need it.
 */

import packageJson from "../../package.json" with { type: "json" };
import type { Tracing } from "./tracing.ts";

export interface StartTracingOptions {
  /** The setting `operations.otlpEndpoint`: the collector's base URL; `/v1/traces` is added. */
  readonly endpoint: string | null;
  /**
   * The standard variables: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `OTEL_SERVICE_NAME`.
   */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Called with the reason why spans were not exported; the SDK retries by itself and drops the excess. */
  readonly onProblem: (reason: string) => void;
}

const SDK_PACKAGES = [
  "@opentelemetry/sdk-trace",
  "@opentelemetry/exporter-trace-otlp-http",
  "@opentelemetry/resources",
].join(" ");

/** How long the last spans may take when the server stops; a collector that does not answer must not delay it. */
const LAST_EXPORT_TIMEOUT_MS = 2000;
const PROBLEM_LENGTH_MAX = 300;

/**
 * @returns null when nothing is configured.
 * @throws Error when an endpoint is configured and the SDK is not installed.
 */
export async function startTracing(options: StartTracingOptions): Promise<Tracing | null> {
  const url = resolveTracesUrl(options);
  if (url === null) return null;
  const [{ createTracing }, { diag, DiagLogLevel }, sdk] = await Promise.all([
    import("./tracing.ts"),
    import("@opentelemetry/api"),
    loadSdk(),
  ]);
  const { TracerProvider, BatchSpanProcessor, OTLPTraceExporter, resourceFromAttributes } = sdk;
  const report = (message: string) => options.onProblem(message.slice(0, PROBLEM_LENGTH_MAX));
  const ignore = () => {};
  // The SDK reports its failures only here, for the whole process.
  diag.setLogger(
    { error: report, warn: report, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const resource = resourceFromAttributes({
    "service.name": options.environment["OTEL_SERVICE_NAME"] ?? "openai-compat",
    "service.version": packageJson.version,
  });
  const exporter = new OTLPTraceExporter({ url });
  const provider = new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor({ exporter })] });
  return createTracing({
    tracer: provider.getTracer("openai-compat", packageJson.version),
    close: () =>
      Promise.race([
        provider.shutdown().catch((thrown: unknown) => report(String(thrown))),
        sleep(LAST_EXPORT_TIMEOUT_MS),
      ]),
  });
}

/** The setting wins over the variables; of these the one that speaks of traces alone, whose URL is taken as it is. */
function resolveTracesUrl({ endpoint, environment }: StartTracingOptions): string | null {
  const exact = environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] ?? "";
  const base = endpoint ?? (exact === "" ? environment["OTEL_EXPORTER_OTLP_ENDPOINT"] : "") ?? "";
  if (base !== "") return `${base.replace(/\/+$/, "")}/v1/traces`;
  return exact === "" ? null : exact;
}

async function loadSdk() {
  try {
    const [sdk, exporter, resources] = await Promise.all([
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/resources"),
    ]);
    const { TracerProvider, BatchSpanProcessor } = sdk;
    const { OTLPTraceExporter } = exporter;
    return {
      TracerProvider,
      BatchSpanProcessor,
      OTLPTraceExporter,
      resourceFromAttributes: resources.resourceFromAttributes,
    };
  } catch (thrown) {
    throw new Error(
      `An OTLP endpoint is configured, but the SDK can't be loaded. Install it: npm install ${SDK_PACKAGES}`,
      {
        cause: thrown,
      },
    );
  }
}

function sleep(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, timeMs).unref());
}
