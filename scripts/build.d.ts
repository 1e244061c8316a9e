/** Writes the bundle to a folder in which packages are found as in dist/. */
export function bundle(dir: string): Promise<void>;
