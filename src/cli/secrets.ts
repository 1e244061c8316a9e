/** What the command line says of errors goes through here: a program or a server may have put a key into its words. */
import { inspect } from 'node:util';
import { messageOf } from '../../actors/errors.ts';
import { redactor, type Redact } from '../models/redact.ts';

let redact: Redact | undefined;
const safe: Redact = (text) => (redact ??= redactor())(text);

/** The message of an error without what the environment keeps secret. */
export const safeMessage = (error: unknown): string => safe(messageOf(error));
/** All of an error, for `--debug`. */
export const safeDetails = (error: unknown): string => safe(inspect(error, { depth: 6 }));
