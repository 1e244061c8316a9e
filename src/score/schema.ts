/** Validation by Standard Schema, the interface that zod, valibot, arktype and others share. */

/** What a validator has to look like (https://standardschema.dev). Only what is used here. */
export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}
export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
export type Infer<S extends Schema> = NonNullable<S['~standard']['types']>['output'];

/** A value is not what its schema says. */
export class SchemaError extends Error {
  override name = 'SchemaError';
  /** What does not fit does not fit the next time: a step is not tried again. */
  readonly retryable = false;
  readonly issues: readonly SchemaIssue[];
  /** @param what whose value it is, such as `the input` or `the result of 'draft'`. */
  constructor(what: string, issues: readonly SchemaIssue[]) {
    const list = issues.slice(0, 5).map((issue) => `${placeOf(issue)}${issue.message}`);
    super(
      `${what} does not fit its schema: ${list.join('; ')}${issues.length > 5 ? `; and ${issues.length - 5} more` : ''}.`,
    );
    this.issues = issues;
  }
}

/** Validates; synchronous where the schema is.
 *  @throws {SchemaError} naming the places that do not fit. */
export function validate<Output>(
  schema: Schema<unknown, Output>,
  value: unknown,
  what: string,
): Output | Promise<Output> {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then((late) => accept(late, what)) : accept(result, what);
}
function accept<Output>(result: SchemaResult<Output>, what: string): Output {
  if (result.issues !== undefined) throw new SchemaError(what, result.issues);
  return result.value;
}

function placeOf({ path }: SchemaIssue): string {
  if (path === undefined || path.length === 0) return '';
  return `${path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')}: `;
}
