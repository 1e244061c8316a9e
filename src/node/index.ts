/** What needs Node.js: score files and programs. */
export { loadScore, ScoreFileError } from './load-score.ts';
export { programAgent, ProgramError } from './program-agent.ts';
