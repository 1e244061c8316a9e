/** Removes secrets from error messages of the command line: a program or a server may have quoted a key. */
import { inspect } from 'node:util';
import { messageOf } from '../../actors/tomasulo/errors.ts';
import { redactor, type Redact } from '../models/redact.ts';

let redact: Redact | undefined;
const safe: Redact = (text) => (redact ??= redactor())(text);

/** The message of an error without what the environment keeps secret. */
export const safeMessage = (error: unknown): string => safe(messageOf(error));
/** All of an error, for `--debug`. */
export const safeDetails = (error: unknown): string => safe(inspect(error, { depth: 6 }));
