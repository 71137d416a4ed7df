import { defineConfig } from 'vite';

/** Builds the fleet page into dist/page. Nothing is inlined: the content security policy allows only our own files. */
export default defineConfig({
  root: import.meta.dirname,
  // A test runner's NODE_ENV would build React's slow half, and what is tested would not be what ships.
  define: { 'process.env.NODE_ENV': JSON.stringify('production') },
  oxc: { jsx: { runtime: 'automatic', development: false } },
  build: {
    outDir: '../../../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
