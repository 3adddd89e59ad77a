/**
 * The environment of the process of a native model: what its libraries need to find devices and files, and none of the
 * server's secrets.
 */

const NAMES = [
  "PATH",
  "HOME",
  "USER",
  "LANG",
  "TZ",
  "TMPDIR",
  "TMP",
  "TEMP",
  "SYSTEMROOT",
  "SYSTEMDRIVE",
  "WINDIR",
  "PATHEXT",
  "COMSPEC",
  "APPDATA",
  "LOCALAPPDATA",
  "USERPROFILE",
  "PROGRAMFILES",
  "PROGRAMDATA",
  "NUMBER_OF_PROCESSORS",
  "PROCESSOR_ARCHITECTURE",
];

/** Of the dynamic linker, the threads' and the devices' libraries. */
const PREFIXES = [
  "LC_",
  "LD_",
  "DYLD_",
  "XDG_",
  "OMP_",
  "MKL_",
  "OPENBLAS_",
  "GGML_",
  "LLAMA_",
  "NODE_LLAMA_CPP_",
  "ORT_",
  "CUDA_",
  "NVIDIA_",
  "HIP_",
  "HSA_",
  "ROCR_",
  "ROCM_",
  "VK_",
  "MTL_",
  "METAL_",
];

/** Of a library too: `LLAMA_API_KEY` is what clients of another server send. */
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/;

/** Names are compared without regard to case, as on Windows. */
export function childEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    const upper = name.toUpperCase();
    if (value === undefined || SECRET_NAME.test(upper)) continue;
    if (NAMES.includes(upper) || PREFIXES.some((prefix) => upper.startsWith(prefix))) kept[name] = value;
  }
  return kept;
}
