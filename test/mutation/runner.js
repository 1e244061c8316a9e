/** A test runner for StrykerJS that keeps Vitest and the tests loaded: a fresh worker for each mutant costs more than the
 *  tests. The tests run in `warm.test.ts`, in a worker thread of this process. */
import { BroadcastChannel } from 'node:worker_threads';
import { declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { determineHitLimitReached, DryRunStatus, MutantRunStatus } from '@stryker-mutator/api/test-runner';
import { createVitest } from 'vitest/node';

/** How much processor time one test may take, in microseconds: a mutant may loop endlessly. Not how long it takes, since
 *  machines are slow. */
const LIMIT_US = 4_000_000;
/** Judges every nth mutant alone: an estimate in a part of the time. Default: all. */
const EVERY = Number(process.env['TUTTI_EVERY'] ?? 1);
const usedUs = () => process.cpuUsage().user + process.cpuUsage().system;

let count = 0;

class WarmRunner {
  capabilities() {
    return { reloadEnvironment: false };
  }
  async init() {
    const name = `tests ${process.pid} ${++count}`;
    process.env['TUTTI_MUTATION_CHANNEL'] = name;
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }) => {
      this.since = usedUs();
      if (data.begins !== undefined) return;
      const waiting = this.waiting;
      this.waiting = undefined;
      waiting?.(data);
    };
    const ready = this.next();
    this.vitest = await createVitest('test', {
      config: 'test/mutation/vitest.config.ts',
      watch: false,
      pool: 'threads',
      maxWorkers: 1,
      reporters: [{}],
      onConsoleLog: () => false,
    });
    this.ended = this.vitest.start().then(
      () => this.channel.onmessage({ data: { error: 'the tests have ended' } }),
      (error) => this.channel.onmessage({ data: { error: String(error) } }),
    );
    const { error } = await ready;
    if (error !== undefined) throw new Error(`the tests do not load: ${error}`);
  }
  next() {
    return new Promise((resolve) => (this.waiting = resolve));
  }
  ask(request) {
    const answer = this.next();
    this.send(request);
    return answer;
  }
  send(message) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    this.channel.postMessage(message);
  }
  async dryRun() {
    const { tests, mutantCoverage, error } = await this.ask({});
    if (error !== undefined) return { status: DryRunStatus.Error, errorMessage: error };
    return { status: DryRunStatus.Complete, tests, mutantCoverage };
  }
  /** Judges one mutant, unless a test of it loops endlessly. */
  async judge(request) {
    this.since = usedUs();
    let look;
    const loops = new Promise((resolve) => {
      look = setInterval(() => {
        if (usedUs() - this.since > LIMIT_US) resolve({ loops: true });
      }, 200);
    });
    const result = await Promise.race([loops, this.ask(request)]);
    clearInterval(look);
    return result;
  }
  async mutantRun({ activeMutant, testFilter, hitLimit }) {
    if (Number(activeMutant.id) % EVERY !== 0)
      return { status: MutantRunStatus.Error, errorMessage: 'not in the sample' };
    if (this.loops) process.exit(1); // StrykerJS starts another process and asks again
    const request = { mutant: activeMutant.id, testFilter, hitLimit };
    let result = await this.judge(request);
    if (result.tainted) {
      // The test fails without the mutant, too: what an earlier one has left behind is at fault.
      await this.restart();
      result = await this.judge(request);
      if (result.tainted) result = { error: `tests fail without a mutant: ${result.failure}` };
    }
    this.loops = result.loops;
    if (result.loops) return { status: MutantRunStatus.Timeout, reason: 'a test loops endlessly' };
    const { error, hits, killedBy, failure, ran } = result;
    if (error !== undefined) return { status: MutantRunStatus.Error, errorMessage: error };
    const limited = determineHitLimitReached(hits, hitLimit);
    if (limited !== undefined) return { ...limited, status: MutantRunStatus.Timeout };
    if (killedBy === undefined) return { status: MutantRunStatus.Survived, nrOfTests: ran };
    return { status: MutantRunStatus.Killed, killedBy: [killedBy], failureMessage: failure, nrOfTests: ran };
  }
  async restart() {
    await this.dispose();
    await this.init();
  }
  async dispose() {
    this.send({ end: true });
    await this.ended;
    this.channel.close();
    await this.vitest.close();
  }
}
const create = () => new WarmRunner();
create.inject = [];
export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'warm', create)];
