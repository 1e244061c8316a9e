/** Finds secrets, which must not get into a trace, by the name of their field or by their form. */
import { redactor, type Redact } from '../models/redact.ts';

export const HIDDEN = '[redacted]';

/** Fields whose value is always hidden. `inputTokens` and the like count something and are shown. */
const NAMED =
  /(?:^|[^a-z])(?:pass(?:word|wd|phrase)?|secret|token|cookie|auth(?:orization)?|credentials?|bearer|jwt|pin|otp)$|(?:api|access|private|secret|signing|encryption|client|service|auth|session)[-_ ]?(?:key|token|secret)s?$|(?:password|secret|authorization|credentials?)$/i;
/** Camel case ends a word, too: `authToken`, `dbPassword`. */
const CAMEL = /[a-z\d](?:Token|Secret|Password|Passphrase|Cookie|Credentials?|Authorization|Jwt|Pin|Otp)$/;

/** Beside what models' wires are redacted for: keys of clouds and forges, signed tokens, private keys, and
 *  passwords within addresses. */
const PATTERNS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
  /\b(?:AKIA|ASIA)[A-Z\d]{16}\b/g,
  /\b(?:github_pat|glpat|npm|xox[abprs]|dop_v1|shpat)[_-][\w-]{16,}/g,
  /(?<=\/\/[^\s/:@]{0,64}:)[^\s/@]{1,256}(?=@)/g,
];
/** No secret is shorter. */
const SHORTEST = 8;

export const isSecretName = (name: string): boolean => NAMED.test(name) || CAMEL.test(name);

/** Makes the function that every text of a trace goes through.
 *  @param secrets values that must never appear, in addition to those of the environment */
export function hider(secrets: readonly string[] = []): Redact {
  const redact = redactor(secrets);
  return (text) => {
    if (text.length < SHORTEST) return text;
    let clean = redact(text);
    for (const pattern of PATTERNS) clean = clean.replace(pattern, HIDDEN);
    return clean;
  };
}
