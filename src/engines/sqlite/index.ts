/** `tutti/sqlite`: runs that survive the process, in one file. */
export { isSoundVersion, sqliteStore, SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts';
