/** Models to be had: the catalogue, the cache that all commands share, and the pull that fills it. */
export { cacheDirectory } from "./cache-directory.ts";
export type { CacheDirectoryOptions } from "./cache-directory.ts";
export type { CachedModel } from "./cached-model.ts";
export { isLlamaEntry, isOnnxEmbeddingEntry, listCatalogue } from "./catalogue.ts";
export type {
  CatalogueEntry,
  Conversion,
  HubPartsSource,
  HubSource,
  LlamaEntry,
  ModelSource,
  NpmPackageSource,
  OnnxEmbeddingEntry,
  PinnedFile,
  PythonPackageSource,
  PythonPart,
  PythonPartsSource,
  PythonWheel,
  ReleaseSource,
  SpeechEntry,
  TranscriptionEntry,
  WheelCompanion,
} from "./catalogue.ts";
export { listFittingModels } from "./choose-models.ts";
export type { FittingModelsOptions, ModelChoice, Capacity } from "./choose-models.ts";
export type { DownloadSettings } from "./download-file.ts";
export { examineGguf } from "./examine-gguf.ts";
export type { GgufFindings } from "./examine-gguf.ts";
export { ModelUnavailableError } from "./model-unavailable-error.ts";
export type { PullAttempt } from "./model-unavailable-error.ts";
export { createProgressReporter } from "./progress.ts";
export type { ProgressReporter, ProgressReporterOptions } from "./progress.ts";
export { findCachedModel, pullModel, verifyCachedModel } from "./pull.ts";
export type { PulledModel } from "./pull.ts";
export type { LockSettings } from "./pull-lock.ts";
export type { ModelLookup, PullOptions, PullProgress, PullSettings } from "./pull-options.ts";
export { VOICE_DETECTOR_ID } from "./whisper-catalogue.ts";
export { wrapProse } from "./wrap-prose.ts";
