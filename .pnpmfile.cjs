/** Of the documentation page only its prebuilt browser bundle is used, which needs none of the package's 280 dependencies. */
function withoutDependencies(manifest) {
  return manifest.name === "@scalar/api-reference" ? { ...manifest, dependencies: {} } : manifest;
}

/** The packages of the Node.js binary name one system as a text, where pnpm reads lists: it would fetch all of them. */
const NODE_BINARY = /^node-(?:bin-)?(?:darwin|linux|win)-/;

function withListedSystems(manifest) {
  const { name, os, cpu } = manifest;
  return NODE_BINARY.test(name) ? { ...manifest, os: [os].flat(), cpu: [cpu].flat() } : manifest;
}

module.exports = { hooks: { readPackage: (manifest) => withListedSystems(withoutDependencies(manifest)) } };
