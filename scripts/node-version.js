// The first import of every entry point of the built package (scripts/build.js copies it to dist/). It is written so
// that every Node.js with modules can read it.
var needed = [22, 12];
var found =
  typeof process === 'object' && process.versions && typeof process.versions.node === 'string'
    ? process.versions.node.split('.').map(Number)
    : undefined; // a browser
if (found && (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1]))) {
  throw new Error(
    'tutti needs Node.js ' +
      needed.join('.') +
      ' or newer; this is ' +
      process.versions.node +
      '. Install a newer one, from https://nodejs.org or with your version manager.',
  );
}
