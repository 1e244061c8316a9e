/** The environment of a program: what it needs to run at all, and what its agent names. Never a key of a model. */

/** What programs expect to find: where programs and the user's files are, who the user is, and the language. */
const ALWAYS = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'TERM',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'TMP',
  'TEMP',
];
const ON_WINDOWS = [
  ...['SystemRoot', 'SystemDrive', 'windir', 'ComSpec', 'PATHEXT', 'OS', 'USERNAME'],
  ...['USERPROFILE', 'HOMEDRIVE', 'HOMEPATH', 'APPDATA', 'LOCALAPPDATA', 'ProgramData', 'ALLUSERSPROFILE'],
  ...['ProgramFiles', 'ProgramFiles(x86)', 'CommonProgramFiles', 'PUBLIC', 'NUMBER_OF_PROCESSORS'],
  'PROCESSOR_ARCHITECTURE',
];

/** @param of the environment of this process.
 *  @param windows whether two names that differ in case only are the same. */
export function programEnvironment(
  named: { env?: Readonly<Record<string, string>> | undefined; inheritEnv?: readonly string[] | undefined },
  of: NodeJS.ProcessEnv = process.env,
  windows: boolean = process.platform === 'win32',
): NodeJS.ProcessEnv {
  const { env = {}, inheritEnv = [] } = named;
  const fold = (name: string) => (windows ? name.toUpperCase() : name);
  const taken = new Set([...ALWAYS, ...(windows ? ON_WINDOWS : []), ...inheritEnv].map(fold));
  const own = new Set(Object.keys(env).map(fold));
  const inherited = Object.entries(of).filter(
    ([name]) => !own.has(fold(name)) && (taken.has(fold(name)) || /^LC_[A-Z]+$/.test(name)),
  );
  return Object.fromEntries([...inherited, ...Object.entries(env)]);
}
