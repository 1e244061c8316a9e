/** Sources without any test counterpart.
 *
 *  A counterpart is a test named after the source, or one that imports it or names its path. That is a rule
 *  of thumb and not coverage: what a test reaches through another module counts as untested here, so the
 *  finding is only a hint. A repository without any test gets one finding, and not one per file. */
import { basename, dirname } from 'node:path/posix';
import { fromList, notApplicable } from './review.ts';
import { stem, type Tests } from './read-tests.ts';
import type { Analysis, FileList, RawFinding, SourceFile } from './types.ts';

const NAME = 'test counterparts';

/** Languages whose tests live in separate files. In Rust, C and Zig they are often in the same file as the code. */
const LANGUAGES = new Set(
  'TypeScript JavaScript Vue Svelte Python Go Java Kotlin Scala C# Ruby PHP Elixir Dart Swift'.split(' '),
);
const NOT_TESTED =
  /(^|\/)(__init__|setup|conftest|index|main|mod|types|constants|config)\.\w+$|\.d\.[cm]?ts$|\.(config|rc|stories|types)\.\w+$/;
const MIN_BYTES = 40; // nothing much to test below that

export function counterparts(list: FileList, tests: Tests): Promise<Analysis> {
  const written = list.files.filter((file) => LANGUAGES.has(file.language) && file.text && !file.generated);
  const sources = written.filter(
    (file) => !file.test && file.bytes >= MIN_BYTES && !NOT_TESTED.test(file.path),
  );
  if (sources.length === 0) {
    return notApplicable(NAME, 'no source files in a language whose tests live in separate files');
  }
  const testFiles = list.files.filter((file) => file.test && LANGUAGES.has(file.language));
  const [first] = sources;
  if (testFiles.length === 0 && first !== undefined) {
    const message = `There is no test file in the repository, and ${sources.length} source file${sources.length === 1 ? '' : 's'}.`;
    return fromList(NAME, sources.length, [
      { file: first.path, line: 1, rule: 'no-tests', severity: 'warning', message },
    ]);
  }
  const named = new Set(testFiles.map(({ path }) => plain(testedName(basename(path)))));
  const untested = (file: SourceFile): RawFinding[] => {
    const name = stem(basename(file.path));
    // Go's tests belong to the package, which is the folder.
    const names = file.language === 'Go' ? [name, basename(dirname(file.path))] : [name];
    if (names.some((each) => named.has(plain(each)) || tests.mentioned.has(each))) return [];
    const message = `No test is named after this file or imports it.`;
    return [{ file: file.path, line: 1, rule: 'no-test-counterpart', severity: 'info', message }];
  };
  return fromList(NAME, sources.length, sources.flatMap(untested));
}

/** `user.service.test.ts`, `test_user_service.py` and `UserServiceTest.java` all test "userservice". */
function testedName(name: string): string {
  return stem(name)
    .replace(/^test[_-]/i, '')
    .replace(/[_-](tests?|spec|e2e)$/i, '')
    .replace(/(Tests?|Spec)$/, '');
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, '');
}
