export { createScriptedEngine } from "./scripted/scripted-engine.ts";
export type { ScriptedEngineSettings } from "./scripted/scripted-engine.ts";
export * from "./models/index.ts";
