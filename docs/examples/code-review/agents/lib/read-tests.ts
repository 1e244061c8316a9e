/** What the tests are written with, and what they mention. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { basename } from 'node:path/posix';
import { pool } from './pool.ts';
import type { FileList } from './types.ts';

export type Framework = 'vitest' | 'jest' | 'other';

export interface Tests {
  /** The framework of every test file in JavaScript or TypeScript, by path. */
  frameworks: Map<string, Framework>;
  /** Last parts of the module names that any test imports or mentions in quotes, without extension. */
  mentioned: Set<string>;
}

const MAX_MENTIONS = 200_000;

export async function readTests(list: FileList, signal: AbortSignal): Promise<Tests> {
  const tests: Tests = { frameworks: new Map(), mentioned: new Set() };
  const files = list.files.filter((file) => file.test && file.text && !file.generated);
  await pool(files, 16, signal, async (file) => {
    let text: string;
    try {
      text = await readFile(join(list.root, file.path), 'utf8');
    } catch {
      return; // the work tree may change under a review
    }
    if (file.language === 'TypeScript' || file.language === 'JavaScript') {
      tests.frameworks.set(file.path, framework(text));
    }
    for (const name of mentions(text)) {
      if (tests.mentioned.size < MAX_MENTIONS) tests.mentioned.add(name);
    }
  });
  return tests;
}

/** oxlint has rules for vitest and for jest; a test that uses the globals of either reads the same. */
function framework(text: string): Framework {
  if (/from\s+['"]vitest['"]/.test(text)) return 'vitest';
  if (/['"](node:test|bun:test|ava|tap|uvu|@playwright\/test)['"]/.test(text)) return 'other';
  return /\b(describe|it|test)(\.\w+)*\s*\(/.test(text) ? 'jest' : 'other';
}

/** Paths in quotes (JavaScript, Go, Ruby, PHP), and Python's and Java's dotted imports. */
function* mentions(text: string): Generator<string> {
  for (const [, path = ''] of text.matchAll(/['"`]([\w@./\\-]{1,200})['"`]/g)) yield stem(basename(path));
  for (const [, names = ''] of text.matchAll(
    /^\s*(?:from|import|use|using)\s+(?!["'])([\w., :\\]{1,200})/gm,
  )) {
    for (const name of names.split(/[^\w]+/)) if (name !== '') yield name;
  }
  // `from package import module` names the module second.
  for (const [, names = ''] of text.matchAll(/^\s*from\s+[\w.]+\s+import\s+([\w, ]{1,200})/gm)) {
    for (const name of names.split(/[^\w]+/)) if (name !== '') yield name;
  }
}

export function stem(name: string): string {
  const dot = name.indexOf('.', 1);
  return dot < 0 ? name : name.slice(0, dot);
}
