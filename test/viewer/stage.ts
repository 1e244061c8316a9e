/** A browser and the page for all tests of a file, gone when they are through. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { launch, pageFile } from './page.ts';

export interface Stage {
  browser: Browser;
  file: Awaited<ReturnType<typeof pageFile>>;
}

export function onStage(): Stage {
  const stage: Partial<Stage> = {};
  beforeAll(async () => {
    stage.browser = await launch();
    stage.file = await pageFile();
  });
  afterAll(async () => {
    await stage.browser?.close();
    stage.file?.remove();
  });
  return stage as Stage;
}
