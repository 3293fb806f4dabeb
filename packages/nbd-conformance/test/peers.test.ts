import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { checkServer } from '../src/index.ts';
import { knownDeviations, sometimes } from './known-deviations.ts';
import { peerNames, startPeer } from './peer-servers.ts';

for (const name of peerNames) {
  describe.skipIf(!peer(name))(name, () => {
    it('fails the rules that it is known to fail, and no others', async () => {
      const { uri, revive } = await startPeer(name);
      const first = await checkServer(uri, { write: true, revive, timeout: 1000 });
      const failed = first.results.filter(({ status }) => status === 'fail').map(({ id }) => id);
      const known = Object.keys(knownDeviations[name]);
      // What was only late gets more time.
      const only = (id: string): boolean => failed.includes(id) && !known.includes(id);
      const { results } = await checkServer(uri, { write: true, revive, only, timeout: 20_000 });
      const others = results.filter(({ status }) => status === 'fail');
      expect(others.map(({ id, message }) => `${id}: ${message ?? ''}`)).toEqual([]);
      const wanted = known.filter((id) => !sometimes.has(id));
      expect(failed).toEqual(expect.arrayContaining(wanted));
      expect(first.results.filter(({ status }) => status === 'not-run')).toEqual([]);
    });
  });
}

describe.skipIf(!peer('nbdkit'))('nbdkit with block sizes', () => {
  it('keeps the rules about them', async () => {
    const parameters = ['blocksize-minimum=4096', 'blocksize-maximum=1M', 'blocksize-error-policy=error'];
    const { uri } = await startPeer('nbdkit', { filters: ['--filter=blocksize-policy'], parameters });
    const { results } = await checkServer(uri, { write: true, only: (id) => id.startsWith('block-size.') });
    expect(results.filter(({ status }) => status === 'fail')).toEqual([]);
  });
});
