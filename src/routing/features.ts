/**
 * What can be read off a task without understanding it: its size, its structure, the operations it asks for,
 * numbers, code, constraints. One pass over at most {@link READ_LIMIT} characters.
 *
 * The kinds are those of inventory E04 (length, operations, constraints, code and mathematics markers); the word
 * lists are ours.
 */

/** How much of a task is read, in UTF-16 code units. Of a longer one: the first and the last half of this, since
 *  instructions stand at either end. The `length` feature still counts the whole. */
export const READ_LIMIT = 8_192;

/** The features, in the order of {@link readFeatures}. Each is ln(1 + count), so 0 or more. */
export const FEATURES = [
  'length', //      characters, of the whole task
  'words',
  'sentences', //   full stops, question and exclamation marks
  'lines', //       line breaks
  'numbers', //     runs of digits
  'digits',
  'operators', //   = + * / ^ < > % and the mathematical symbols of Unicode
  'clauses', //     commas, semicolons, colons, opening brackets
  'questions', //   question marks
  'code', //        braces, square brackets, back-ticks, underscores, back-slashes
  'names', //       words with a capital
  'longWords', //   words of nine letters or more
  'conditions', //  if, unless, until, ...
  'comparisons', // more, less, than, twice, ...
  'quantities', //  each, per, total, average, ...
  'sequence', //    first, then, after, finally, ...
  'constraints', // must, only, exactly, at least, ...
  'negations', //   not, never, except, without, ...
  'reasoning', //   why, prove, compare, design, ...
  'mathematics', // equation, probability, triangle, ...
] as const;

/** The name of a feature. */
export type Feature = (typeof FEATURES)[number];

const WORDS: Partial<Record<Feature, string>> = {
  conditions: 'if unless until whether when while assuming suppose given provided otherwise case cases',
  comparisons:
    'more less fewer than most least twice thrice double triple half times larger smaller greater older younger ' +
    'longer shorter faster slower higher lower better worse difference versus',
  quantities:
    'each every per total altogether sum average all both remaining rest left percent percentage ratio rate ' +
    'quarter third fifth dozen',
  sequence: 'first second then after before next finally last later earlier again step steps once afterwards',
  constraints:
    'must should only exactly cannot ensure require requires required limit maximum minimum within constraint ' +
    'constraints satisfy satisfies guarantee respectively unique optimal valid',
  negations: 'not no never none neither nor except without false incorrect wrong impossible unlikely',
  reasoning:
    'why how prove proof show derive explain compare contrast design analyse analyze evaluate justify infer ' +
    'argue critique optimise optimize refactor debug implement plan strategy tradeoff tradeoffs implications consequence ' +
    'cause therefore because conclude assess synthesise synthesize',
  mathematics:
    'equation function integral derivative probability matrix vector polynomial prime triangle angle theorem ' +
    'solve calculate compute value equals variance mean median logarithm algorithm complexity integer graph set ' +
    'group ring field series formula',
};

/** Classes of characters; the letters come first. */
const LOWER = 0;
const UPPER = 1;
const OTHER = 2;
const DIGIT = 3;
const SENTENCE = 4;
const QUESTION = 5;
const CLAUSE = 6;
const OPERATOR = 7;
const CODE = 8;
const LINE = 9;
const CLASSES = 10;

/** The class of every UTF-16 code unit. Beyond ASCII everything is a letter but what is listed here. */
const CLASS = new Uint8Array(65_536).fill(OTHER, 0, 0xc0);
CLASS.fill(OTHER, 0x2000, 0x2190); //   general punctuation, currency, letter-like symbols
CLASS.fill(OPERATOR, 0x2190, 0x2300); // arrows, mathematical operators
const classify = (characters: string, kind: number) => {
  for (const character of characters) CLASS[character.charCodeAt(0)] = kind;
};
classify('abcdefghijklmnopqrstuvwxyz', LOWER);
classify('ABCDEFGHIJKLMNOPQRSTUVWXYZ', UPPER);
classify('0123456789', DIGIT);
classify('.!\u3002\uff01', SENTENCE);
classify('?\uff1f\u061f', QUESTION);
classify(',;:(\u3001\uff0c\u060c', CLAUSE);
classify('=+*/^<>%\u00b1\u00d7\u00f7', OPERATOR);
classify('{}[]`_\\', CODE);
classify('\n', LINE);

const hashStep = (hash: number, code: number) => (Math.imul(hash, 31) + code) | 0;

/** The hash of a listed word, to the place of its feature; a word stands in one list. */
const LEXICON = new Map<number, number>();
/** Which last bits such a hash can have: most words need no look-up. */
const FILTER = new Uint8Array(4_096);
for (const [index, feature] of FEATURES.entries()) {
  for (const word of WORDS[feature]?.split(' ') ?? []) {
    const hash = [...word].reduce((h, character) => hashStep(h, character.charCodeAt(0)), 0);
    LEXICON.set(hash, index);
    FILTER[hash & 4_095] = 1;
  }
}

/** Letters of a long word, at least. */
const LONG = 9;

/** Where each feature stands. */
const AT = Object.fromEntries(FEATURES.map((feature, index) => [feature, index])) as Record<Feature, number>;

/** The part of a task that is read: all of it, or its head and its tail. */
export function excerpt(task: string): string {
  if (task.length <= READ_LIMIT) return task;
  return `${task.slice(0, READ_LIMIT / 2)}\n${task.slice(-READ_LIMIT / 2)}`;
}

/**
 * Reads the features of a task.
 *
 * @param task - any string; linear in the characters read, so bounded
 * @param text - its {@link excerpt}, where the caller has it already
 * @returns one number per entry of {@link FEATURES}, each ln(1 + count), 0 or more
 */
export function readFeatures(task: string, text = excerpt(task)): Float64Array {
  const counts = new Float64Array(FEATURES.length);
  const classes = new Uint32Array(CLASSES);
  let words = 0;
  let names = 0;
  let longWords = 0;
  let numbers = 0;
  let previous = OTHER;
  let hash = 0;
  let letters = 0;
  const end = text.length; // read once: inside the loop it would cost as much as all the rest
  for (let i = 0; i <= end; i++) {
    const code = i < end ? text.charCodeAt(i) : 32; // a word at the end ends too
    const kind = CLASS[code]!;
    classes[kind]!++;
    if (kind <= UPPER) {
      if (letters++ === 0 && kind === UPPER) names++;
      hash = hashStep(hash, kind === UPPER ? code + 32 : code);
    } else if (letters > 0) {
      words++;
      if (letters >= LONG) longWords++;
      if (FILTER[hash & 4_095] === 1) {
        const listed = LEXICON.get(hash);
        if (listed !== undefined) counts[listed]!++;
      }
      hash = 0;
      letters = 0;
    }
    if (kind === DIGIT && previous !== DIGIT) numbers++;
    previous = kind;
  }
  counts[AT.length] = task.length;
  counts[AT.words] = words;
  counts[AT.sentences] = classes[SENTENCE]! + classes[QUESTION]!;
  counts[AT.lines] = classes[LINE]!;
  counts[AT.numbers] = numbers;
  counts[AT.digits] = classes[DIGIT]!;
  counts[AT.operators] = classes[OPERATOR]!;
  counts[AT.clauses] = classes[CLAUSE]!;
  counts[AT.questions] = classes[QUESTION]!;
  counts[AT.code] = classes[CODE]!;
  counts[AT.names] = names;
  counts[AT.longWords] = longWords;
  for (let i = 0; i < counts.length; i++) counts[i] = Math.log1p(counts[i]!);
  return counts;
}
