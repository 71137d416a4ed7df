import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { watchHistory } from './came-back.js';
import { startKeyboard } from './keyboard.js';
import { store } from './store.js';
import { StreamReader } from './stream.js';
import './style/index.css';
import { applyTheme } from './theme.js';
import { applyTimes } from './times.js';

applyTheme();
applyTimes();
watchHistory();
startKeyboard();
const stream = new StreamReader(store);
stream.start();
const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element with the id "root"');
createRoot(root).render(
  <StrictMode>
    <App stream={stream} />
  </StrictMode>,
);
