/** What every store of runs promises. `crash` drops a writer as kill -9 does: nothing of it is asked to close. */
import { describe, expect, test } from 'vitest';
import type { LogEntry, LogRecord } from '../../actors/bus/log.ts';
import type { RunLog, RunStore } from '../../actors/bus/run-store.ts';

export interface StoreUnderTest {
  make(): RunStore;
  /** The writer of a run ends without a word. */
  crash(store: RunStore, id: string, log: RunLog): void;
  /** The writer of a run is silent for longer than its lease, and goes on later. */
  pause(store: RunStore, id: string): void;
}

const fact = (kind: string, value?: string): LogRecord => ({ kind, about: 'a', at: 1, value });
const kinds = (entries: Iterable<LogEntry>) => [...entries].map(({ kind }) => kind);

export function logConformance(name: string, { make, crash, pause }: StoreUnderTest): void {
  describe(`log: ${name}`, () => {
    test('records have positions 1, 2, 3 … and are read back as they were written, from any position', () => {
      const store = make();
      const log = store.create('r', 'score');
      const records = [
        { kind: 'begin', about: '', at: 1.5, data: '{"a":1}', value: undefined },
        { kind: 'pulse', about: 'ö "x"', at: 2 ** 41, data: undefined, value: '"\u{1F3BB}"' },
        { kind: 'pulse', about: 'b', at: -1, data: undefined, value: JSON.stringify('x'.repeat(100_000)) },
      ];
      expect(records.map((record) => log.append(record))).toEqual([1, 2, 3]);
      log.commit();
      expect([...log.read()]).toEqual(records.map((record, i) => ({ ...record, seq: i + 1 })));
      expect([...store.read('r')]).toEqual([...log.read()]);
      expect(kinds(log.read(3))).toEqual(['pulse']);
      expect([log.tip, log.committed]).toEqual([3, 3]);
      store.close();
    });

    test('a crash between append and commit leaves nothing of what was appended, and everything committed', () => {
      const store = make();
      const log = store.create('r', 'score');
      log.append(fact('one'));
      log.commit();
      log.append(fact('two'));
      expect(kinds(store.read('r')), 'not before the commit').toEqual(['one']);
      crash(store, 'r', log);
      const next = store.open('r');
      expect(kinds(next.read())).toEqual(['one']);
      expect(next.append(fact('three'))).toBe(2);
      next.commit();
      expect(kinds(store.read('r'))).toEqual(['one', 'three']);
      store.close();
    });

    test('a run has one writer: a second is refused, and one that was paused past its lease appends nothing', () => {
      const store = make();
      const log = store.create('r', 'score');
      log.append(fact('one'));
      log.commit();
      expect(() => store.open('r')).toThrow(expect.objectContaining({ name: 'RunBusyError' }));
      expect(() => store.remove('r')).toThrow(expect.objectContaining({ name: 'RunBusyError' }));
      pause(store, 'r');
      const next = store.open('r');
      next.append(fact('two'));
      next.commit();
      log.append(fact('late'));
      expect(() => log.commit()).toThrow(expect.objectContaining({ name: 'FencedLogError', runId: 'r' }));
      expect(() => log.keep([])).toThrow(expect.objectContaining({ name: 'FencedLogError' }));
      expect(() => log.renew()).toThrow(expect.objectContaining({ name: 'FencedLogError' }));
      expect(kinds(store.read('r'))).toEqual(['one', 'two']);
      log.close();
      next.append(fact('three'));
      next.commit();
      expect(kinds(next.read())).toEqual(['one', 'two', 'three']);
      store.close();
    });

    test('an id is used once, also after the run was removed', () => {
      const store = make();
      store.create('r', 'score').close();
      expect(() => store.create('r', 'score')).toThrow(expect.objectContaining({ name: 'RunExistsError' }));
      store.remove('r');
      expect(store.list()).toEqual([]);
      expect(() => store.create('r', 'score')).toThrow(expect.objectContaining({ name: 'RunExistsError' }));
      expect(() => store.open('r')).toThrow(expect.objectContaining({ name: 'UnknownRunError' }));
      expect(() => [...store.read('other')]).toThrow(expect.objectContaining({ name: 'UnknownRunError' }));
      store.close();
    });

    test('a message waits until it is taken with a commit, and a run that has ended takes none', () => {
      const store = make();
      const log = store.create('r', 'score');
      store.tell('r', 'first');
      store.tell('r', 'second');
      const [first] = log.inbox();
      log.took(first!.id);
      expect(log.inbox().map(({ text }) => text)).toEqual(['second']);
      crash(store, 'r', log);
      const next = store.open('r');
      expect(
        next.inbox().map(({ text }) => text),
        'not taken without a commit',
      ).toEqual(['first', 'second']);
      for (const { id } of next.inbox()) next.took(id);
      next.ended('completed');
      next.commit();
      expect(next.inbox()).toEqual([]);
      expect(store.list()).toMatchObject([{ id: 'r', state: 'completed', waiting: 0 }]);
      expect(store.stateOf('r')).toBe('completed');
      expect(() => store.stateOf('other')).toThrow(expect.objectContaining({ name: 'UnknownRunError' }));
      expect(() => store.tell('r', 'late')).toThrow(/has ended/);
      expect(() => store.tell('other', 'x')).toThrow(expect.objectContaining({ name: 'UnknownRunError' }));
      store.close();
    });

    test('large and small payloads in commits of any size come back in order', () => {
      const store = make();
      const log = store.create('r', 'score');
      const records: LogRecord[] = [];
      for (const size of [1, 2, 255, 256, 257, 600]) {
        for (let i = 0; i < size; i++) {
          const value =
            i % 3 === 0 ? undefined : JSON.stringify('\u{1F3BB}ä"'.repeat(i % 7 === 0 ? 2_000 : i % 5));
          const data = i % 2 === 0 ? undefined : JSON.stringify({ i, text: 'a\n"b"' });
          records.push({ kind: 'pulse', about: `s\n${i}`, at: i + 0.25, data, value });
          log.append(records.at(-1)!);
        }
        log.commit();
      }
      const all = records.map((record, i) => ({ ...record, seq: i + 1 }));
      expect([...store.read('r')]).toEqual(all);
      for (const from of [2, 256, 700, all.length, all.length + 1])
        expect([...log.read(from)]).toEqual(all.slice(from - 1));
      expect(store.list()).toMatchObject([{ records: all.length }]);
      log.close();
      expect(store.open('r').tip).toBe(all.length);
      store.close();
    });

    test('keeping some records drops the others, and positions stay', () => {
      const store = make();
      const log = store.create('r', 'score');
      for (const kind of ['a', 'b', 'c', 'd']) log.append(fact(kind, JSON.stringify(kind.repeat(10_000))));
      log.commit();
      log.keep([1, 3]);
      expect([...log.read()].map(({ seq, kind }) => [seq, kind])).toEqual([
        [1, 'a'],
        [3, 'c'],
      ]);
      expect([...log.read()][1]!.value).toBe(JSON.stringify('c'.repeat(10_000)));
      expect(log.append(fact('e'))).toBe(5);
      store.close();
    });
  });
}
