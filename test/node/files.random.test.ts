/** Claim: after any sequence of operations by agents and other programs, the disk matches the accepted
 *  calls, and a refused call has changed nothing. Random sequences against a map of texts. */
import { mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { coherentFiles, FileConflictError, FileRefusedError } from '../../src/node/index.ts';

const PATHS = ['a.md', 'b.md', '__proto__.md'];
const path = fc.constantFrom(...PATHS);
const who = fc.constantFrom('one', 'two');
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }).filter((made) => !made.includes('\0')),
  fc.constantFrom('', '\r\n', '\ufeffx', '\ud800'),
);
const step = fc.oneof(
  fc.record({ do: fc.constant('read'), who, path }),
  fc.record({ do: fc.constant('append'), who, path, text }),
  fc.record({ do: fc.constant('whole'), who, path, text }),
  fc.record({ do: fc.constant('compareAndSet'), who, path, text, right: fc.boolean() }),
  fc.record({ do: fc.constant('throw'), who, path }),
  fc.record({ do: fc.constant('create'), who, path, text }),
  fc.record({ do: fc.constant('delete'), who, path }),
  fc.record({ do: fc.constant('rename'), who, path, to: path }),
  fc.record({ do: fc.constant('abort'), who, path, text, afterTicks: fc.nat(12) }),
  fc.record({ do: fc.constant('foreign'), path, text, inPlace: fc.boolean() }),
  fc.record({ do: fc.constant('foreign delete'), path }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const later = async (ticks: number) => {
  for (let i = 0; i < ticks; i++) await new Promise((done) => setImmediate(done));
};
const isText = (made: string) => made.isWellFormed();

test('random calls of agents and other programs', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const root = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-random-')));
      const files = await coherentFiles(root, ['*.md'], { allowEmpty: true, settleMs: 1 });
      try {
        await run(root, files, steps);
      } finally {
        await files.close();
        rmSync(root, { recursive: true, force: true });
      }
    }),
    { numRuns: Number(process.env['TUTTI_DEEP'] === undefined ? 60 : 1_000) },
  );
});

async function run(root: string, files: Awaited<ReturnType<typeof coherentFiles>>, steps: readonly Step[]) {
  const model = new Map<string, string>();
  const seen = new Map<string, string>();
  const kinds: Readonly<Record<string, (one: never) => Promise<void>>> = {
    read: async (one: { who: string; path: string }) => {
      const present = model.get(one.path);
      const read = files.agent(one.who).read(one.path);
      if (present === undefined) return expect(read).rejects.toThrow(FileRefusedError);
      expect(await read).toBe(present);
      seen.set(`${one.who} ${one.path}`, present);
    },
    append: async (one: { who: string; path: string; text: string }) => {
      const next = `${model.get(one.path) ?? ''}${one.text}`;
      const write = files.agent(one.who).write(one.path, (present) => present + one.text);
      if (!model.has(one.path) || !isText(next)) return expect(write).rejects.toThrow(FileRefusedError);
      expect(await write).toBe(next);
      model.set(one.path, next);
    },
    whole: async (one: { who: string; path: string; text: string }) => {
      const present = model.get(one.path);
      const write = files.agent(one.who).write(one.path, one.text);
      if (present === undefined) return expect(write).rejects.toThrow(FileRefusedError);
      if (seen.get(`${one.who} ${one.path}`) !== present)
        return expect(write).rejects.toMatchObject({ name: 'FileConflictError', actual: present });
      if (!isText(one.text)) return expect(write).rejects.toThrow('no UTF-8');
      expect(await write).toBe(one.text);
      model.set(one.path, one.text);
    },
    compareAndSet: async (one: { who: string; path: string; text: string; right: boolean }) => {
      const present = model.get(one.path);
      const expected = one.right ? (present ?? '') : `${present}?`;
      const write = files.agent(one.who).compareAndSet(one.path, expected, one.text);
      if (present === undefined) return expect(write).rejects.toThrow(FileRefusedError);
      if (!one.right) return expect(write).rejects.toThrow(FileConflictError);
      if (!isText(one.text)) return expect(write).rejects.toThrow('no UTF-8');
      expect(await write).toBe(one.text);
      model.set(one.path, one.text);
    },
    throw: async (one: { who: string; path: string }) => {
      const failing = () => {
        throw new Error('no idea');
      };
      await expect(files.agent(one.who).write(one.path, failing)).rejects.toThrow(/no idea|gone/);
    },
    create: async (one: { who: string; path: string; text: string }) => {
      const made = files.agent(one.who).create(one.path, one.text);
      if (!isText(one.text)) return expect(made).rejects.toThrow('no UTF-8');
      if (model.has(one.path)) return expect(made).rejects.toMatchObject({ reason: 'exists' });
      await made;
      model.set(one.path, one.text);
    },
    delete: async (one: { who: string; path: string }) => {
      const present = model.get(one.path);
      const done = files.agent(one.who).delete(one.path);
      if (present === undefined) return expect(done).rejects.toThrow(FileRefusedError);
      const key = `${one.who} ${one.path}`;
      if (seen.get(key) !== present) return expect(done).rejects.toThrow(FileConflictError);
      await done;
      model.delete(one.path);
      seen.delete(key);
    },
    rename: async (one: { who: string; path: string; to: string }) => {
      const present = model.get(one.path);
      const done = files.agent(one.who).rename(one.path, one.to);
      if (present === undefined) return expect(done).rejects.toThrow(FileRefusedError);
      if (model.has(one.to)) return expect(done).rejects.toMatchObject({ reason: 'exists' });
      await done;
      model.delete(one.path);
      model.set(one.to, present);
      const was = seen.get(`${one.who} ${one.path}`);
      seen.delete(`${one.who} ${one.path}`);
      if (was !== undefined) seen.set(`${one.who} ${one.to}`, was);
    },
    abort: async (one: { who: string; path: string; text: string; afterTicks: number }) => {
      const controller = new AbortController();
      const present = model.get(one.path);
      const write = files
        .agent(one.who)
        .write(one.path, (before) => before + one.text, { signal: controller.signal });
      const outcome = write.then(
        (made) => made,
        () => undefined,
      );
      await later(one.afterTicks);
      controller.abort();
      const made = await outcome;
      if (made === undefined) return; // refused: the comparison below finds what it has written all the same
      expect(made).toBe(`${present}${one.text}`);
      model.set(one.path, made);
    },
    foreign: async (one: { path: string; text: string; inPlace: boolean }) => {
      const name = one.inPlace ? one.path : 'new';
      const stored = one.text.toWellFormed();
      writeFileSync(join(root, name), stored);
      if (!one.inPlace) renameSync(join(root, name), join(root, one.path));
      model.set(one.path, stored);
    },
    'foreign delete': async (one: { path: string }) => {
      if (model.delete(one.path)) unlinkSync(join(root, one.path));
    },
  };
  for (const one of steps) {
    await kinds[one.do]?.(one as never);
    const disk = readdirSync(root).map((name) => [name, readFileSync(join(root, name), 'utf8')]);
    expect(Object.entries(Object.fromEntries(disk)).sort()).toEqual([...model].sort());
  }
}
