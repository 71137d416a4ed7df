import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { binFolder, installNode, VERSIONS } from './node-programs.js';

/** Prints the folder of the Node that .nvmrc names, for PATH. It is installed where another version runs this. */

const wanted = readFileSync(join(import.meta.dirname, '../.nvmrc'), 'utf8').trim();
const isWanted = (node: string): boolean => node.startsWith(`${wanted}.`);
const version = VERSIONS.find(({ node }) => isWanted(node));
if (version === undefined) throw new Error(`.nvmrc names Node ${wanted}: add its version to tools/node-programs.ts`);
console.log(isWanted(process.versions.node) ? dirname(process.execPath) : binFolder(await installNode(version)));
