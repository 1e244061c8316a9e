/** Mistakes to make on purpose. */
export interface Faults {
  readonly ignoreEpoch?: boolean;
  readonly ignoreVersion?: boolean;
  readonly ignoreHoldInCas?: boolean;
  readonly ignoreReadSet?: boolean;
  readonly applyDuplicates?: boolean;
  readonly reclaimStale?: boolean;
  readonly noHold?: boolean;
  readonly leaveReaders?: boolean;
  readonly invalidateRequester?: boolean;
}
