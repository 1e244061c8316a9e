import {
  mkdtempSync,
  rmSync,
  writeFileSync,
  readFileSync,
  statSync,
  truncateSync,
  copyFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { memoryStore, type MemoryStore } from '../../actors/bus/memory-store.ts';
import { isSoundVersion, sqliteStore } from '../../src/engines/sqlite/sqlite-store.ts';
import { logConformance } from '../conformance/log.ts';

const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'tutti-log-'));
  folders.push(made);
  return made;
};
afterAll(() => folders.forEach((made) => rmSync(made, { recursive: true, force: true })));

logConformance('in memory', {
  make: () => memoryStore(),
  crash: (store, id) => (store as MemoryStore).crash(id),
  pause: (store, id) => (store as MemoryStore).crash(id),
});

/** Another connection to a store's file, to play another process. */
function meddle(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}
logConformance('SQLite', {
  make: () => sqliteStore(folder()),
  // as if its process had ended: a number that no process has
  crash: ({ name }) =>
    meddle(name, `UPDATE run SET holder = json_set(holder, '$.pid', 4194305, '$.born', 'x')`),
  // another process of this host, alive, that has not been heard of for an hour
  pause: ({ name }) =>
    meddle(name, `UPDATE run SET holder = json_set(holder, '$.host', 'elsewhere'), heard = heard - 3600000`),
});

describe('a SQLite store', () => {
  test('a value of more than 4 KiB is stored once, by content', () => {
    const store = sqliteStore(folder());
    const log = store.create('r', 'score');
    const value = JSON.stringify('x'.repeat(2 ** 20));
    for (let i = 0; i < 100; i++) log.append({ kind: 'pulse', about: `s${i}`, at: 0, value });
    log.commit();
    store.close();
    expect(statSync(store.name).size).toBeLessThan(1.2 * 2 ** 20);
    const again = sqliteStore(store.name);
    expect([...again.read('r')].every((entry) => entry.value === value)).toBe(true);
    again.remove('r');
    expect(new DatabaseSync(store.name).prepare('SELECT count(*) AS n FROM payload').get()).toEqual({ n: 0 });
    again.close();
  });

  test('versions of SQLite that can damage a WAL file are refused', () => {
    for (const version of ['3.51.2', '3.50.6', '3.46.1', '3.44.5', '3.7.0', '3.49.99'])
      expect([version, isSoundVersion(version)]).toEqual([version, false]);
    for (const version of ['3.51.3', '3.50.7', '3.44.6', '3.52.0', '3.53.4', '4.0.0'])
      expect([version, isSoundVersion(version)]).toEqual([version, true]);
  });

  test('a file that is no store, a later format, a bad option and a folder that cannot be made are refused', () => {
    const path = join(folder(), 'runs.db');
    writeFileSync(path, 'not a database, but long enough to have a header of a hundred bytes'.repeat(20));
    expect(() => sqliteStore(path)).toThrow(/no store of tutti; give another path/);
    expect(() => sqliteStore(join(path, 'below'))).toThrow(/cannot be opened/);
    const later = sqliteStore(folder());
    later.close();
    meddle(later.name, 'PRAGMA user_version = 99');
    expect(() => sqliteStore(later.name)).toThrow(/has format 99, and this version of tutti reads format 2/);
    const other = join(folder(), 'other.db');
    meddle(other, 'CREATE TABLE notes (text)');
    expect(() => sqliteStore(other)).toThrow(/not made by a released version of tutti/);
    expect(() => sqliteStore(folder(), { level: 'disk' as never })).toThrow(/level must be/);
    expect(() => sqliteStore(folder(), { leaseMs: 1 })).toThrow(/leaseMs must be from 100/);
    expect(() => sqliteStore(folder(), { laseMs: 1 } as never)).toThrow(/unknown option 'laseMs'/);
  });

  test('the write-ahead log stays short in a long run, also while another process reads', async () => {
    const store = sqliteStore(folder());
    const log = store.create('r', 'score');
    const reader = sqliteStore(store.name);
    let longest = 0;
    for (let i = 0; i < 30; i++) {
      for (let k = 0; k < 500; k++) {
        log.append({ kind: 'pulse', about: `s${k}`, at: i, value: '1' });
        log.commit();
      }
      reader.list();
      await new Promise((resolve) => setTimeout(resolve, i % 8 === 7 ? 120 : 0));
      longest = Math.max(longest, statSync(`${store.name}-wal`).size);
    }
    expect(longest).toBeLessThan(48 * 2 ** 20);
    expect([...reader.read('r')].length).toBe(15_000);
    reader.close();
    store.close();
  });

  test('a full disk is a typed error, and what was committed before is there', () => {
    const store = sqliteStore(folder());
    const log = store.create('r', 'score');
    log.append({ kind: 'one', about: '', at: 0 });
    log.commit();
    const used = (store as unknown as { statement(sql: string): { get(): { page_count: number } } })
      .statement('PRAGMA page_count')
      .get().page_count;
    (store as unknown as { statement(sql: string): { get(): unknown } })
      .statement(`PRAGMA max_page_count = ${used}`)
      .get();
    for (let i = 0; i < 200; i++)
      log.append({ kind: 'two', about: '', at: 0, value: JSON.stringify('y'.repeat(4_000)) });
    expect(() => log.commit()).toThrow(/full.*Make room on the disk, then resume/);
    expect([...store.read('r')].map(({ kind }) => kind)).toEqual(['one']);
    store.close();
  });

  test('a write-ahead log cut at any length gives a prefix of the commits', { timeout: 120_000 }, () => {
    const store = sqliteStore(folder());
    const log = store.create('r', 'score');
    for (let i = 0; i < 12; i++) {
      log.append({ kind: `k${i}`, about: 'a', at: 0, value: JSON.stringify('v'.repeat(500)) });
      log.commit();
    }
    const wal = `${store.name}-wal`;
    const length = statSync(wal).size;
    const seen = new Set<number>();
    for (let cut = 0; cut <= length; cut += 997) {
      const copy = join(folder(), 'runs.db');
      copyFileSync(store.name, copy);
      writeFileSync(`${copy}-wal`, readFileSync(wal));
      truncateSync(`${copy}-wal`, cut);
      const cutStore = sqliteStore(copy);
      if (cutStore.list().length === 0) {
        cutStore.close();
        continue;
      }
      const kinds = [...cutStore.read('r')].map(({ kind }) => kind);
      expect(kinds).toEqual(Array.from({ length: kinds.length }, (_, i) => `k${i}`));
      seen.add(kinds.length);
      cutStore.close();
    }
    expect(seen.size).toBeGreaterThan(10);
    store.close();
  });
});
