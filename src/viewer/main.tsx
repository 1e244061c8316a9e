/** Puts the viewer on its page, and opens what the address names. */
import { render } from 'preact';
import { App } from './app.tsx';
import { ViewerSession } from './session.ts';
import { startFromAddress } from './address.ts';

const session = new ViewerSession();
const root = document.querySelector('#app');
if (root !== null) render(<App session={session} />, root);
void startFromAddress(session);
