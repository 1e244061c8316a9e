/** The system's Chromium, in which the viewer's page is tested. */
import { existsSync } from 'node:fs';

/** Where systems have it; another place is named by the environment. */
const PLACES = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
export const chromiumPath = (): string | undefined =>
  PLACES.find((place) => place !== undefined && existsSync(place));

/** The tests that need it. */
export const BROWSER_TESTS = [
  'test/viewer/{access,example,live,reading,views}.test.ts',
  'test/**/*.browser.test.ts',
];
export const HOW_TO_GET_IT = 'apt-get install -y chromium, or name one in CHROMIUM';
