import { expect, it } from 'vitest';
import { TARGETS } from '../../fuzz/parsers/targets.js';

/** `npm run fuzz:parsers` is run by hand: a target that fell over what it begins with would be seen there first. */
it.each(Object.entries(TARGETS))('%s stands what its search begins with, and nonsense', (_, target) => {
  expect(target.seeds.length).toBeGreaterThan(0);
  for (const input of [...target.seeds, Buffer.alloc(0), Buffer.from('{"node_id":7}'), Buffer.alloc(64, 0xff)])
    target.run(input);
});
