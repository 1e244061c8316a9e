/** What the command line prints when a command throws, and with which code it exits. Loaded only then. */
import { LogError } from '../../actors/bus/log-errors.ts';
import { ScoreError } from '../../actors/tomasulo/program.ts';
import { LadderError } from '../../machines/governor/operating-point.ts';
import { LitmusFileError } from '../../specs/coherence/litmus/file.ts';
import { UsageError as CoherenceUsageError } from '../coherence/errors.ts';
import { MissingPackageError, UnknownModelError } from '../models/errors.ts';
import { MissingKeyError } from '../models/provider.ts';
import { ScoreFileError } from '../node/load-score.ts';
import { TextFileError } from '../node/text-file.ts';
import { RoutingConfigError } from '../budget/config-error.ts';
import { RoutingDataError } from '../routing/errors.ts';
import { SchemaError } from '../score/schema.ts';
import { WfFormatError } from '../score/wfformat.ts';
import { safeDetails, safeMessage } from './secrets.ts';
import { CommandLineError } from './usage.ts';

const BAD_USAGE = [
  LogError,
  CommandLineError,
  TextFileError,
  ScoreFileError,
  ScoreError,
  SchemaError,
  WfFormatError,
  RoutingDataError,
  RoutingConfigError,
  CoherenceUsageError,
  LadderError,
  LitmusFileError,
  UnknownModelError,
  MissingKeyError,
  MissingPackageError,
];

/** @returns the exit code: 2 for bad usage or bad input, 1 for anything else. */
export function reportError(error: unknown, debug: boolean): number {
  console.error(debug ? safeDetails(error) : `tutti: ${safeMessage(error)}`);
  if (BAD_USAGE.some((kind) => error instanceof kind)) return 2;
  if (!debug) console.error('tutti: this was not expected; --debug shows where it happened.');
  return 1;
}
