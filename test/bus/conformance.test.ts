/** The in-process bus passes the suite that every engine has to pass. */
import { expect, test } from 'vitest';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { pulse } from '../../machines/hct/signal.ts';
import { busConformance } from '../conformance/bus.ts';

busConformance('in process', { make: (options) => createBus(options), settle: async () => {} });

test('the in-process bus delivers before publish returns, and by default keeps nothing', async () => {
  const bus = createBus();
  let heard = 0;
  bus.signals.subscribe(() => heard++);
  expect(bus.publish(pulse(1, 1))).toBe(1);
  expect(heard).toBe(1);
  await expect(bus.replay(1)[Symbol.asyncIterator]().next()).rejects.toThrow('no longer retained');
});

test('limits that make no sense are refused', () => {
  for (const retain of [-1, 1.5, NaN])
    expect(() => createBus({ retain })).toThrow(/`retain` must be a whole number/);
});
