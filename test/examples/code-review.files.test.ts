import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, git, listFiles, repository, write } from './code-review.helpers.ts';

const paths = async (root: string) => (await listFiles(root)).files.map(({ path }) => path).toSorted();

describe('code review: what is listed', () => {
  it('tracked files and untracked ones, and not ignored ones', async () => {
    const root = repository({ 'a.ts': 'a', '.gitignore': 'ignored\n' });
    write(root, 'new.py', 'x = 1\n');
    write(root, 'ignored', 'x');
    expect(await paths(root)).toEqual(['.gitignore', 'a.ts', 'new.py']);
  });

  it('a repository without any commit, staged or not', async () => {
    const root = folder({ 'staged.ts': 'a', 'loose.ts': 'b' });
    git(root, 'init', '-q');
    git(root, 'add', 'staged.ts');
    const list = await listFiles(root);
    expect(list).toMatchObject({ origin: 'git', commit: null });
    expect(list.files.map(({ path }) => path).toSorted()).toEqual(['loose.ts', 'staged.ts']);
  });

  it('an empty repository and an empty folder', async () => {
    const root = folder();
    expect(await listFiles(root)).toMatchObject({ origin: 'folder', files: [] });
    git(root, 'init', '-q');
    expect(await listFiles(root)).toMatchObject({ origin: 'git', files: [] });
  });

  it('only a folder inside a repository, by paths of that folder', async () => {
    const root = repository({ 'out.ts': 'a', 'packages/one/in.ts': 'b' });
    expect(await paths(join(root, 'packages/one'))).toEqual(['in.ts']);
  });

  it('a folder that the repository around it ignores, as a plain folder', async () => {
    const root = repository({ '.gitignore': 'scratch\n' });
    write(root, 'scratch/a.ts', 'a');
    const list = await listFiles(join(root, 'scratch'));
    expect(list.files.map(({ path }) => path)).toEqual(['a.ts']);
    expect(list.notes.join()).toContain('ignored by the git repository around it');
  });

  it('a plain folder without what tools put there', async () => {
    const root = folder({
      'a.ts': 'a',
      'node_modules/x/index.js': 'b',
      'dist/a.js': 'c',
      'src/dist.ts': 'd',
    });
    const list = await listFiles(root);
    expect(list.origin).toBe('folder');
    expect(list.files.map(({ path }) => path)).toEqual(['a.ts', 'src/dist.ts']);
    expect(list.skipped).toEqual({ 'folder node_modules': 1, 'folder dist': 1 });
  });

  it('no file that was deleted from the work tree, with a count of them', async () => {
    const root = repository({ 'a.ts': 'a', 'gone.ts': 'b' });
    unlinkSync(join(root, 'gone.ts'));
    const list = await listFiles(root);
    expect(list.files.map(({ path }) => path)).toEqual(['a.ts']);
    expect(list.skipped).toEqual({ 'file deleted from the work tree': 1 });
  });

  it('nothing behind a symbolic link, whether of a file or of a folder on the way', async () => {
    const outside = folder({ 'secret.ts': 'a' });
    const root = repository({ 'a.ts': 'a', 'lib/secret.ts': 'b' });
    symlinkSync(join(outside, 'secret.ts'), join(root, 'link.ts'));
    symlinkSync(root, join(root, 'loop'));
    git(root, 'add', '-A');
    rmSync(join(root, 'lib'), { recursive: true });
    symlinkSync(outside, join(root, 'lib')); // the index still says lib/secret.ts
    const list = await listFiles(root);
    expect(list.files.map(({ path }) => path)).toEqual(['a.ts']);
    expect(list.skipped['symbolic link']).toBeGreaterThanOrEqual(2);
    expect(list.skipped['file behind a symbolic link']).toBe(1);
  });

  it('names with spaces, newlines, quotes, leading dashes, globs and other scripts', async () => {
    const names = [
      'a b.ts',
      'a\nb.ts',
      '"q".ts',
      '-rf.ts',
      '[id].ts',
      '*.ts',
      'é日本.ts',
      'tab\t.ts',
      "it's.ts",
    ];
    const root = repository(Object.fromEntries(names.map((name) => [name, 'a'])));
    expect(await paths(root)).toEqual(names.toSorted());
    renameSync(join(root, '.git'), join(root, '.svn'));
    expect(await paths(root)).toEqual(names.toSorted());
  });

  it('each file with its language, size and whether it can be read as text', async () => {
    const root = repository({
      'a.py': 'x = 1\n',
      'picture.png': Buffer.from([137, 80, 0, 1]),
      'big.sql': 'x'.repeat((1 << 20) + 1),
      'test/a.test.ts': 'a',
      'package-lock.json': '{}',
    });
    const list = await listFiles(root);
    const of = (path: string) => list.files.find((file) => file.path === path);
    expect(of('a.py')).toMatchObject({ language: 'Python', bytes: 6, text: true, test: false });
    expect(of('picture.png')).toMatchObject({ text: false });
    expect(of('big.sql')).toMatchObject({ text: false, language: 'SQL' });
    expect(of('test/a.test.ts')).toMatchObject({ test: true });
    expect(of('package-lock.json')).toMatchObject({ generated: true });
  });

  it('a file in conflict once, and no submodule or nested repository', async () => {
    const root = repository({ 'a.ts': 'base\n' });
    git(root, 'checkout', '-q', '-b', 'other');
    write(root, 'a.ts', 'other\n');
    git(root, 'commit', '-qam', 'other');
    git(root, 'checkout', '-q', '-');
    write(root, 'a.ts', 'mine\n');
    git(root, 'commit', '-qam', 'mine');
    expect(() => git(root, 'merge', 'other')).toThrow();
    mkdirSync(join(root, 'nested'));
    git(join(root, 'nested'), 'init', '-q');
    write(root, 'nested/b.ts', 'b');
    const list = await listFiles(root);
    expect(list.files.map(({ path }) => path)).toEqual(['a.ts']);
    expect(list.skipped).toEqual({ 'nested repository': 1 });
  });

  it('without running a program that the repository names', async () => {
    const root = repository({ 'a.ts': 'a' });
    write(root, 'hook.sh', `#!/bin/sh\ntouch '${root}/ran'\n`);
    chmodSync(join(root, 'hook.sh'), 0o755);
    git(root, 'config', 'core.fsmonitor', join(root, 'hook.sh'));
    await listFiles(root);
    expect(existsSync(join(root, 'ran'))).toBe(false);
  });

  it('or says what is wrong with the folder', async () => {
    const root = folder({ file: 'a' });
    await expect(listFiles(join(root, 'missing'))).rejects.toThrow(/there is no folder .*missing/);
    await expect(listFiles(join(root, 'file'))).rejects.toThrow(/is not a folder/);
    git(root, 'init', '-q', '--bare', 'bare.git');
    await expect(listFiles(join(root, 'bare.git'))).rejects.toThrow(/without a work tree/);
  });
});
