/** Signals a second through the in-process bus, and what a passive listener costs. `node test/bench/bus.ts` */
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { pulse, type Signal, type Tag } from '../../machines/hct/signal.ts';

const TAGS = 10_000;
const SIGNALS = 1_000_000;
const ROUNDS = 9;

/** Nanoseconds a signal, with a listener on every tag and some that receive every signal. */
function round(tagOf: (index: number) => Tag, passive: number): number {
  const bus = createBus();
  let heard = 0;
  for (let i = 0; i < TAGS; i++) bus.on(tagOf(i)).subscribe(() => heard++);
  let overheard = 0;
  for (let i = 0; i < passive; i++) bus.signals.subscribe(() => overheard++);
  const signals = Array.from({ length: TAGS }, (_, i): Signal => pulse(tagOf(i), i));
  const start = performance.now();
  for (let i = 0; i < SIGNALS; i++) void bus.publish(signals[i % TAGS] as Signal);
  const took = performance.now() - start;
  if (heard !== SIGNALS || overheard !== SIGNALS * passive) throw new Error('signals were lost');
  return (took * 1e6) / SIGNALS;
}

const cases: [name: string, tagOf: (index: number) => Tag, passive: number][] = [
  ['10,000 integer tags', (i) => i, 0],
  ['10,000 string tags', (i) => `tag-${i}`, 0],
  ['10,000 integer tags, 1 passive listener', (i) => i, 1],
  ['10,000 integer tags, 5 passive listeners', (i) => i, 5],
];
console.log(
  `# The bus in process\n\nMedians of ${ROUNDS} rounds of ${SIGNALS} signals (smallest–largest).\n`,
);
console.log('|  | ns a signal | million signals/s |\n| --- | ---: | ---: |');
const measured = cases.map(() => [] as number[]);
for (let k = 0; k <= ROUNDS; k++) {
  cases.forEach(([, tagOf, passive], i) => {
    const ns = round(tagOf, passive);
    if (k > 0) measured[i]!.push(ns); // the first round warms up
  });
}
measured.forEach((list, i) => {
  list.sort((a, b) => a - b);
  const median = list[list.length >> 1]!;
  const spread = `${list[0]!.toFixed(0)}–${list.at(-1)!.toFixed(0)}`;
  console.log(`| ${cases[i]![0]} | ${median.toFixed(0)} (${spread}) | ${(1_000 / median).toFixed(1)} |`);
});
