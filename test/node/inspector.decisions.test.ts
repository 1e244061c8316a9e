/** Claims: the page of `--inspect` decides about held steps; nothing else on the machine or the network does. */
import { request } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { perform, score, type AgentContext } from 'tutti';
import { startInspector, type Inspector } from '../../src/node/inspector.ts';

let inspector: Inspector | undefined;
afterEach(() => inspector?.close());

async function held() {
  inspector = await startInspector({ name: 'held' });
  const steps = score('s')
    .step('draft', { agent: () => 'a draft' })
    .step('publish', {
      agent: ({ text }: { text: string }, { answer }: AgentContext) => ({ text, answer }),
      reads: { text: 'draft' },
      fermata: { question: 'Publish?', answer: z.boolean() },
    })
    .step('second', { agent: () => 2, fermata: {}, default: -1 });
  const asked = Promise.withResolvers<void>();
  const run = perform(steps, { onEvent: ({ type }) => type === 'step.asked' && asked.resolve() });
  inspector.decidesFor(run);
  await asked.promise;
  return { run, url: new URL(inspector.url) };
}

/** A request whose headers `fetch` would not let us choose. */
function post(url: URL, body: unknown, headers: Record<string, string> = {}, path = 'hold') {
  const target = new URL(path, url);
  const all = { 'Content-Type': 'application/json', Origin: target.origin, ...headers };
  const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const call = request(target, { method: 'POST', headers: sent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    call.on('error', reject);
    call.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}
const yes = { stepId: 'publish', decision: 'cue', answer: true };

test('the page sees what is held, answers, edits and refuses', async () => {
  const { run, url } = await held();
  const list = await (await fetch(new URL('holds.json', url))).json();
  expect(list).toMatchObject([
    { stepId: 'publish', question: 'Publish?', needsAnswer: true, operands: { text: 'a draft' }, schema: { type: 'boolean' } },
    { stepId: 'second', needsAnswer: false },
  ]); // prettier-ignore
  expect(await post(url, { ...yes, answer: 'maybe' })).toMatchObject({ status: 409 });
  expect(await post(url, { ...yes, operands: { txt: 1 } })).toMatchObject({ status: 409 });
  expect(await post(url, { ...yes, stepId: 'draft' })).toMatchObject({ status: 409 });
  expect(await post(url, { ...yes, operands: { text: 'better' } })).toMatchObject({ status: 204 });
  expect(await post(url, { stepId: 'second', decision: 'refuse', reason: 'no' })).toMatchObject({
    status: 204,
  });
  const { outputs } = await run.result;
  expect(outputs).toMatchObject({ publish: { text: 'better', answer: true }, second: -1 });
  expect(await (await fetch(new URL('holds.json', url))).json()).toEqual([]);
});

test.each<[string, Record<string, string>, number]>([
  ['without an origin', { Origin: '' }, 403],
  ['from another site', { Origin: 'http://evil.example' }, 403],
  ['from an opaque origin', { Origin: 'null' }, 403],
  ['from another site, says the browser', { 'Sec-Fetch-Site': 'cross-site' }, 403],
  ['of a form', { 'Content-Type': 'text/plain' }, 403],
  ['for another host', { Host: 'evil.example' }, 403],
])('a decision %s is refused and changes nothing', async (_, headers, status) => {
  const { run, url } = await held();
  expect(await post(url, yes, headers)).toMatchObject({ status });
  expect(run.holds).toHaveLength(2);
  run.cancel();
});

test('neither does one without the token, one that is no decision, or one that is too long', async () => {
  const { run, url } = await held();
  expect(await post(new URL('/', url), yes)).toMatchObject({ status: 404 });
  expect(await post(new URL('/wrong/', url), yes)).toMatchObject({ status: 404 });
  expect(await post(url, yes, {}, 'source.json')).toMatchObject({ status: 404 });
  for (const body of ['', 'text', '{}', { ...yes, more: 1 }, ' '.repeat(1 << 21)])
    expect(await post(url, body)).toMatchObject({ status: 400 });
  expect(run.holds).toHaveLength(2);
  run.cancel();
});
