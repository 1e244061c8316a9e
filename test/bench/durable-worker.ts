/** One contender of `durable.ts`, in its own process: it loads its engine, then performs what it is asked for.
 *
 *  The work is the same for all: `count` steps that do nothing but return a number, each journaled. In a chain each step
 *  gets the number of the one before; in a fan all are independent. A run returns the sum, which is checked. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

export const SHAPES = ['chain', 'fan'] as const;
export type Shape = (typeof SHAPES)[number];
export interface DurableRequest {
  readonly shape: Shape;
  readonly count: number;
  /** Runs are repeated for so long; one at least. */
  readonly atLeastMs: number;
}
export type DurableReply =
  | { readonly kind: 'ready'; readonly version: string }
  | { readonly kind: 'runs'; readonly ms: readonly number[]; readonly cpuMs: readonly number[] }
  | { readonly kind: 'failed'; readonly message: string };

/** Performs one run. @returns the sum of the results */
type Perform = (shape: Shape, count: number, run: number) => Promise<number>;
interface Engine {
  readonly version: string;
  readonly perform: Perform;
}
/** @param folder an empty folder @param onEnd adds what has to be undone at the end */
type Load = (folder: string, onEnd: (undo: () => void) => void) => Promise<Engine>;

const fromPeers = createRequire(new URL('./durable-peers/package.json', import.meta.url));
const peer = async (specifier: string): Promise<any> =>
  import(pathToFileURL(fromPeers.resolve(specifier)).href);
const versionOf = (name: string): string => {
  const { packages } = fromPeers('./package-lock.json') as { packages: Record<string, { version: string }> };
  return packages[`node_modules/${name}`]?.version ?? 'unknown';
};

const chained = async (count: number, step: (i: number, before: number) => Promise<number>) => {
  let value = 0;
  for (let i = 0; i < count; i++) value = await step(i, value);
  return value;
};
const fanned = async (count: number, step: (i: number, before: number) => Promise<number>) =>
  (await Promise.all(Array.from({ length: count }, async (_, i) => step(i, 0)))).reduce((a, b) => a + b, 0);
const shaped = { chain: chained, fan: fanned };

const tutti =
  (level: 'process' | 'power' | undefined): Load =>
  async (folder, onEnd) => {
    const { perform, score } = await import('tutti');
    const { sqliteStore } = await import('tutti/sqlite');
    const store = level && sqliteStore(folder, { level });
    onEnd(() => store?.close());
    const scores = new Map<string, any>();
    const scoreOf = (shape: Shape, count: number) => {
      let made = scores.get(shape + count);
      if (made !== undefined) return made;
      made = score(shape);
      for (let i = 0; i < count; i++)
        made = made.step(`s${i}`, {
          agent: async ({ x = 0 }: { x?: number }) => x + 1,
          ...(shape === 'chain' && i > 0 && { reads: { x: `s${i - 1}` } }),
        });
      if (shape === 'chain') made = made.outputs({ last: `s${count - 1}` });
      scores.set(shape + count, made);
      return made;
    };
    const run: Perform = async (shape, count, number) => {
      const durable = store && { durable: store, runId: `${shape}-${number}` };
      const { outputs } = await perform(scoreOf(shape, count), durable).result;
      const values = Object.values(outputs) as number[];
      return values.reduce((a, b) => a + b, 0);
    };
    return { version: '', perform: run };
  };

/** LangGraph's functional API: of its ways to write this, the one with the least overhead. A graph with a node per step
 *  writes the whole state at each step, and takes ten times as long. Its checkpointer uses Node.js's own SQLite here, in
 *  WAL mode as it asks for: the driver that it brings has to be compiled. */
const langgraph: Load = async (folder) => {
  const { entrypoint, task } = await peer('@langchain/langgraph');
  const { SqliteSaver } = await peer('@langchain/langgraph-checkpoint-sqlite');
  const checkpointer = new SqliteSaver(betterDriver(join(folder, 'checkpoints.db')));
  const step = task('step', async (before: number) => before + 1);
  const flows = {
    chain: entrypoint({ name: 'chain', checkpointer }, async (count: number) =>
      chained(count, async (_, before) => step(before)),
    ),
    fan: entrypoint({ name: 'fan', checkpointer }, async (count: number) =>
      fanned(count, async (_, before) => step(before)),
    ),
  };
  const perform: Perform = async (shape, count, run) =>
    flows[shape].invoke(count, { configurable: { thread_id: `${shape}-${run}` } });
  return {
    version: `${versionOf('@langchain/langgraph')} + checkpoint-sqlite ${versionOf('@langchain/langgraph-checkpoint-sqlite')}`,
    perform,
  };
};

/** Node.js's SQLite with the calls of better-sqlite3 that the checkpointer makes. */
function betterDriver(path: string) {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA synchronous = NORMAL'); // as better-sqlite3 is compiled
  const statements = new Map<string, StatementSync>();
  return {
    exec: (sql: string) => db.exec(sql),
    pragma: (sql: string) => db.exec(`PRAGMA ${sql}`),
    prepare(sql: string) {
      let statement = statements.get(sql);
      if (statement === undefined) statements.set(sql, (statement = db.prepare(sql)));
      const found = statement;
      const bound = (args: unknown[]) => args.map((arg) => arg ?? null) as SQLInputValue[];
      return {
        run: (...args: unknown[]) => found.run(...bound(args)),
        get: (...args: unknown[]) => found.get(...bound(args)),
        all: (...args: unknown[]) => found.all(...bound(args)),
      };
    },
    transaction:
      <Args extends unknown[]>(work: (...args: Args) => void) =>
      (...args: Args) => {
        db.exec('BEGIN');
        work(...args);
        db.exec('COMMIT');
      },
  };
}

const dbos: Load = async (folder, onEnd) => {
  const { url, version } = await startPostgres(folder, onEnd);
  const { DBOS } = await peer('@dbos-inc/dbos-sdk');
  const flows = Object.fromEntries(
    SHAPES.map((shape) => [
      shape,
      DBOS.registerWorkflow(
        async (count: number) =>
          shaped[shape](count, async (i, before) =>
            DBOS.runStep(() => Promise.resolve(before + 1), { name: `step${i}` }),
          ),
        { name: shape },
      ),
    ]),
  );
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: url, logLevel: 'error', runAdminServer: false });
  await DBOS.launch();
  return {
    version: `${versionOf('@dbos-inc/dbos-sdk')} + PostgreSQL ${version}`,
    perform: async (shape, count) => {
      const flow = flows[shape]!;
      return flow(count) as Promise<number>;
    },
  };
};

/** A server with its default settings: each commit waits for the disk. */
async function startPostgres(folder: string, onEnd: (undo: () => void) => void) {
  const root = '/usr/lib/postgresql';
  const version = readdirSync(root).toSorted().at(-1);
  if (version === undefined) throw new Error(`no PostgreSQL server in ${root}`);
  const bin = join(root, version, 'bin');
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? userOf('postgres') : undefined;
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const made = spawnSync(join(bin, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'bench'], { ...user });
  if (made.status !== 0) throw new Error(`initdb: ${String(made.stderr)}`);
  const port = await freePort();
  const args = ['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1'];
  const server = spawn(join(bin, 'postgres'), args, { ...user, stdio: 'ignore' });
  onEnd(() => void server.kill('SIGINT'));
  const psql = ['-h', '127.0.0.1', '-p', String(port), '-U', 'bench', '-d', 'postgres', '-c'];
  await until(() => spawnSync(join(bin, 'psql'), [...psql, 'select 1']).status === 0, server);
  spawnSync(join(bin, 'psql'), [...psql, 'create database bench']);
  return { url: `postgresql://bench@127.0.0.1:${port}/bench`, version };
}
function userOf(name: string): { uid: number; gid: number } {
  const id = (option: string) => Number(String(spawnSync('id', [option, name]).stdout));
  return { uid: id('-u'), gid: id('-g') };
}

const restate: Load = async (folder, onEnd) => {
  const sdk = await peer('@restatedev/restate-sdk');
  const handler = (shape: Shape) => async (context: any, count: number) =>
    shaped[shape](count, async (i, before) => context.run(`step${i}`, () => before + 1));
  const service = sdk.service({ name: 'bench', handlers: { chain: handler('chain'), fan: handler('fan') } });
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()] as const;
  const [own, ingress, admin, node] = ports;
  await sdk.serve({ services: [service], port: own });
  const platform = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  const binary = fromPeers.resolve(`${platform}/package.json`).replace('package.json', 'bin/restate-server');
  const server = spawn(binary, ['--base-dir', folder], {
    cwd: folder,
    env: {
      ...process.env,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
      RESTATE_LOG_FILTER: 'error',
    },
    stdio: 'ignore',
  });
  onEnd(() => void server.kill('SIGTERM'));
  const post = async (port: number, path: string, body: unknown) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await until(async () => {
    const reply = await post(admin, '/deployments', { uri: `http://127.0.0.1:${own}` }).catch(
      () => undefined,
    );
    return reply?.ok === true;
  }, server);
  const perform: Perform = async (shape, count) => {
    const reply = await post(ingress, `/bench/${shape}`, count);
    if (!reply.ok) throw new Error(await reply.text());
    return (await reply.json()) as number;
  };
  return {
    version: `${versionOf('@restatedev/restate-server')} + SDK ${versionOf('@restatedev/restate-sdk')}`,
    perform,
  };
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
async function until(isReady: () => boolean | Promise<boolean>, server: ChildProcess): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`);
    if (await isReady()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the server did not start within 30 s');
}

const CONTENDERS: Readonly<Record<string, Load>> = {
  'tutti, not durable': tutti(undefined),
  'tutti, process': tutti('process'),
  'tutti, power': tutti('power'),
  langgraph,
  dbos,
  restate,
};

async function serve(name: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-bench-'));
  const undos: (() => void)[] = [];
  const send = (reply: DurableReply): void => void process.send!(reply);
  process.on('disconnect', () => {
    for (const undo of undos.toReversed()) undo();
    setTimeout(() => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(0);
    }, 500);
  });
  let runs = 0;
  try {
    const { version, perform } = await CONTENDERS[name]!(folder, (undo) => void undos.push(undo));
    send({ kind: 'ready', version });
    process.on('message', (request: DurableRequest) => {
      void (async () => {
        const { shape, count, atLeastMs } = request;
        const ms: number[] = [];
        const cpuMs: number[] = [];
        const began = performance.now();
        do {
          const start = performance.now();
          const before = process.cpuUsage();
          const sum = await perform(shape, count, ++runs);
          ms.push(performance.now() - start);
          const { user, system } = process.cpuUsage(before);
          cpuMs.push((user + system) / 1_000);
          if (sum !== count) throw new Error(`${shape}: the sum is ${sum}, not ${count}`);
        } while (performance.now() - began < atLeastMs);
        send({ kind: 'runs', ms, cpuMs });
      })().catch((error: unknown) => send({ kind: 'failed', message: String(error) }));
    });
  } catch (error) {
    send({ kind: 'failed', message: String(error) });
  }
}
if (process.send !== undefined) await serve(process.argv[2]!);
