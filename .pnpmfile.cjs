/** Of the documentation page only its prebuilt browser bundle is used, which needs none of the package's 280 dependencies. */
function readPackage(manifest) {
  return manifest.name === "@scalar/api-reference" ? { ...manifest, dependencies: {} } : manifest;
}

module.exports = { hooks: { readPackage } };
