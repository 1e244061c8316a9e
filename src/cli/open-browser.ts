/** `--open`: shows an address in the person's browser. */
import { spawn } from 'node:child_process';

const OPENERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Asks the system to open an address, and goes on at once. Where nothing can open it, a line on standard error says so;
 *  the address has been printed before. */
export function openBrowser(url: string): void {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const failed = () =>
    process.stderr.write('tutti: no browser could be opened; open the address yourself.\n');
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', failed);
  child.on('exit', (code) => code !== 0 && failed());
  child.unref();
}
