/** The viewer's page as text. */
export function viewerPage(): Promise<string>;
/** Writes the page to where the package has it. */
export function buildViewer(): Promise<void>;
