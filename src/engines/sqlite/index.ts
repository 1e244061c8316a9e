/** Runs that survive the process, in one file.
 *  @module tutti/sqlite */
export { sqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts';
