/** What kind of file this is, from its name alone. */
import { basename, extname } from 'node:path/posix';

const BY_EXTENSION: Record<string, string> = {};
for (const [language, extensions] of Object.entries({
  TypeScript: 'ts mts cts tsx',
  JavaScript: 'js mjs cjs jsx',
  Vue: 'vue',
  Svelte: 'svelte',
  Astro: 'astro',
  Python: 'py pyi pyw',
  Rust: 'rs',
  Go: 'go',
  Java: 'java',
  Kotlin: 'kt kts',
  Scala: 'scala sc',
  'C#': 'cs',
  'F#': 'fs fsx',
  C: 'c h',
  'C++': 'cc cpp cxx hh hpp hxx',
  Swift: 'swift',
  'Objective-C': 'm mm',
  Ruby: 'rb rake',
  PHP: 'php',
  Elixir: 'ex exs',
  Erlang: 'erl hrl',
  Haskell: 'hs',
  OCaml: 'ml mli',
  Clojure: 'clj cljs cljc',
  Dart: 'dart',
  Lua: 'lua',
  Perl: 'pl pm',
  R: 'r',
  Julia: 'jl',
  Zig: 'zig',
  Shell: 'sh bash zsh',
  PowerShell: 'ps1 psm1',
  SQL: 'sql',
  Terraform: 'tf',
  Markdown: 'md markdown',
  HTML: 'html htm',
  CSS: 'css scss sass less',
  JSON: 'json jsonc',
  YAML: 'yaml yml',
  TOML: 'toml',
  XML: 'xml',
})) {
  for (const extension of extensions.split(' ')) BY_EXTENSION[`.${extension}`] = language;
}

const BY_NAME: Record<string, string> = {
  Dockerfile: 'Dockerfile',
  Containerfile: 'Dockerfile',
  Makefile: 'Makefile',
  GNUmakefile: 'Makefile',
  Rakefile: 'Ruby',
  Gemfile: 'Ruby',
};

/** Not programming languages, so files in them need no tests. */
export const DOCUMENTS = new Set(['Markdown', 'HTML', 'CSS', 'JSON', 'YAML', 'TOML', 'XML', 'other']);

export function languageOf(path: string): string {
  const name = basename(path);
  return BY_NAME[name] ?? BY_EXTENSION[extname(name).toLowerCase()] ?? 'other';
}

const TEST_FOLDER = /(^|\/)(tests?|specs?|__tests__|e2e|testing)\//;
const TEST_NAME =
  /([._-](test|tests|spec|e2e)\.[^.]+$)|(^test_[^/]*\.py$)|((Test|Tests|Spec)\.(java|kt|kts|scala|cs|swift|php)$)|(^conftest\.py$)/;

export function isTest(path: string): boolean {
  return TEST_FOLDER.test(path) || TEST_NAME.test(basename(path));
}

const GENERATED_FOLDER =
  /(^|\/)(node_modules|bower_components|vendor|vendored|third[_-]party|dist|out|coverage|\.yarn|__snapshots__|__generated__)\//;
const GENERATED_NAME =
  /(\.min\.(js|css|mjs)$)|(\.bundle\.js$)|(\.map$)|(\.snap$)|((-|\.)lock(\.(json|yaml|yml))?$)|(^package-lock\.json$)|(^npm-shrinkwrap\.json$)|(^pnpm-lock\.yaml$)|(^yarn\.lock$)|(^go\.sum$)|([._](generated|pb|pb2|g)\.[a-z]+$)/;

export function isGenerated(path: string): boolean {
  return GENERATED_FOLDER.test(path) || GENERATED_NAME.test(basename(path));
}

/** Languages in whose files a leading `---` is never part of the language. */
const NEVER_DASHES = new Set(['JavaScript', 'TypeScript', 'JSON', 'CSS']);

/** Whether a file is a template of a static site: its text begins with front matter (`---`, settings, `---`), which the
 *  site generator removes, and then often has tags that it fills in. It cannot be parsed as the language of its name. */
export const isTemplate = (path: string, start: string): boolean =>
  NEVER_DASHES.has(languageOf(path)) && /^\uFEFF?---[ \t]*\r?\n/.test(start);
