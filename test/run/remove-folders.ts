import { afterAll } from 'vitest';
import { removeTemporaryFolders } from './temporary-folder.js';

// This stands before each file of tests and its own hooks, and so comes after them. Modules may be shared by files.
afterAll(removeTemporaryFolders);
