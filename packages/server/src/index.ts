/** The server as a library: `createServer` on a socket, `createApp` as a `fetch` function. */

export { createApp } from "./create-app.ts";
export type { App, AppOptions } from "./create-app.ts";
export { createServer } from "./create-server.ts";
export type { ServerLimits } from "./create-http.ts";
export type { Server, ServerOptions } from "./create-server.ts";
export { configSchema } from "./config.ts";
export { ConfigError } from "./config-error.ts";
export { loadConfig } from "./load-config.ts";
export type { Config, ConfigInput } from "./config.ts";
export type { ConfigSources } from "./load-config.ts";
export { createLogger } from "./operations/logger.ts";
export type { Logger, LoggerOptions, LogLevel } from "./operations/logger.ts";
export { createModelBuilder, resolveModels } from "./resolve-models.ts";
export type { ModelBuilder, ResolvedModels, ResolveModelsOptions } from "./resolve-models.ts";
export { createMemoryStores } from "./stores/memory.ts";
export { openSqliteStores } from "./stores/sqlite.ts";
export type { NativeErrorShape, NativeRouter } from "./surfaces/native/native-router.ts";
