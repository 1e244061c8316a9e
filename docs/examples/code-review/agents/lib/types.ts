/** The nouns of a review. Every value that one agent hands to another is one of these, and is plain JSON. */

import type { AgentContext } from 'tutti';

/** What an agent is given beside its operands. */
export type Context = Pick<AgentContext, 'signal' | 'stepId' | 'attempt' | 'shared'>;

/** One regular file of the reviewed folder. `path` is relative to the root, with forward slashes. */
export interface SourceFile {
  path: string;
  language: string;
  bytes: number;
  /** Readable as text within the size limit; analysers that read text skip the others. */
  text: boolean;
  /** A test, by its name or folder. */
  test: boolean;
  /** Built, vendored, minified or a lock file: not written by hand, so no author chose its style and size. */
  generated: boolean;
}

/** What there is to review. */
export interface FileList {
  root: string;
  origin: 'git' | 'folder';
  /** The commit that is checked out, or null when there is none yet or no git. */
  commit: string | null;
  files: SourceFile[];
  /** What was left out, by reason. */
  skipped: Record<string, number>;
  notes: string[];
}

export type Severity = 'error' | 'warning' | 'info';

/** One remark about one place. A remark about a whole file points at line 1. */
export interface Finding {
  file: string;
  line: number;
  column?: number;
  rule: string;
  severity: Severity;
  message: string;
  reviewer: string;
}

/** A remark as an analyser words it: severities come in every tool's own vocabulary until triage. */
export type RawFinding = Omit<Finding, 'severity' | 'reviewer'> & { severity: string };

/** What one analyser did. `partly` means that a limit stopped it, and `note` says which. */
export interface Analyser {
  name: string;
  status: 'ran' | 'partly' | 'not applicable' | 'failed';
  files: number;
  note?: string;
}

/** An analyser's account and its findings. `counts` has all of them by rule, kept or not. */
export interface Analysis extends Analyser {
  findings: RawFinding[];
  counts: Record<string, number>;
}

/** A reviewer's result. */
export interface Review {
  reviewer: string;
  status: 'reviewed' | 'not applicable';
  reason?: string;
  analysers: Analyser[];
  findings: RawFinding[];
  counts: Record<string, number>;
}

/** One reviewer's line in the report. `cut` names the rules whose findings were more than a reader can use. */
export interface ReviewerStatus extends Omit<Review, 'findings' | 'counts' | 'status'> {
  status: 'reviewed' | 'not applicable' | 'failed';
  cut: { rule: string; count: number }[];
}

export interface Merged {
  reviewers: ReviewerStatus[];
  findings: Finding[];
}

/** What the triages share. */
export type ReportDraft = { report: Merged };

/** A finding that passed the check; `alsoBy` names other reviewers who said the same. */
export type CheckedFinding = Finding & { alsoBy?: string[] };

export interface Checked {
  reviewers: ReviewerStatus[];
  findings: CheckedFinding[];
  /** How many findings went in, and what became of those that did not come out. */
  examined: number;
  dropped: { why: string; count: number; examples: string[] }[];
  duplicates: number;
}
