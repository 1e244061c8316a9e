/** Loaded with `--import`: replaces one text in one source file as it is loaded, as TUTTI_BREAK says. */
import { registerHooks } from 'node:module';

interface Break {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const { file, find, replace } = JSON.parse(process.env['TUTTI_BREAK'] ?? '') as Break;
const broken = new URL(`../../${file}`, import.meta.url).href;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== broken) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString('utf8');
    if (source.split(find).length !== 2)
      throw new Error(`${file}: the text to break is not there once: ${find}`);
    return { ...loaded, source: source.replace(find, () => replace) };
  },
});
