import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peer } from '../../../../tools/peers.ts';
import { createInterposer } from '../../src/index.ts';
import { useBundle } from './bundle.ts';
import { failing, succeed } from './commands.ts';
import { makeFresh } from './images.ts';
import { makeMistakenFiles, MISTAKES } from './mistakes.ts';
import type { Served } from './our-server.ts';
import { qemuOptions, type Security, uriOf } from './places.ts';
import { SERVERS } from './servers.ts';

// Whoever wants TLS gets it or nothing: what does not fit is refused, in words, in both directions.
const world = useBundle();
const files = world.path('mistaken');

beforeAll(() => makeMistakenFiles(files));

for (const { name, programs, can, start } of SERVERS) {
  describe(`${name} refuses, or is refused`, () => {
    const securities = (['plain', 'TLS X.509', 'TLS PSK'] as const).filter(
      (security) => can?.({ transport: 'TCP', security }) ?? true,
    );
    const servers = new Map<Security, Served>();
    const mistakes = MISTAKES.filter(({ server }) => securities.includes(server));
    const missing = !peer(...programs);

    beforeAll(async () => {
      if (missing) return;
      const starting = securities.map(async (security) => {
        const image = world.path(`${name}-${security}.img`.replaceAll(' ', '-'));
        makeFresh(image);
        servers.set(security, await start(world, image, { transport: 'TCP', security }));
      });
      await Promise.all(starting);
    });

    afterAll(() => Promise.all([...servers.values()].map(({ stop }) => stop())));

    async function expectRefused(uri: string, codes: readonly string[], says: RegExp): Promise<void> {
      const engine = createInterposer();
      const error = await engine.open(uri).catch((reason: unknown) => reason);
      await engine.close();
      expect(error).toMatchObject({ message: expect.stringMatching(says) as string });
      expect(codes).toContain((error as { readonly code: string }).code);
    }

    for (const { name: mistake, server, uri, codes, says } of mistakes) {
      it.skipIf(missing)(`by our client: ${mistake}`, () =>
        expectRefused(uri(servers.get(server)!.place, files), codes, says),
      );
    }

    it.skipIf(missing)('by our client: a name that the certificate is not for', () => {
      const { place } = servers.get('TLS X.509')!;
      return expectRefused(`${uriOf(place)}&tls-hostname=elsewhere.example`, ['EACCES'], /name/);
    });

    if (name !== 'our own server') return;

    for (const { name: mistake, server, uri } of mistakes) {
      it.skipIf(!peer('nbdinfo'))(`by nbdinfo: ${mistake}`, async () => {
        // Of a server without TLS libnbd 1.14 says no more than that the connection is closed.
        const says = server === 'plain' ? /connection is closed|TLS/ : /TLS|certificate/;
        expect(await failing('nbdinfo', uri(servers.get(server)!.place, files))).toMatch(says);
        // Others are served as before.
        await succeed('nbdinfo', '--size', uriOf(servers.get(server)!.place));
      });
    }

    it.skipIf(!peer('qemu-img'))('by qemu-img: a name that the certificate is not for', async () => {
      const { object, image } = qemuOptions(servers.get('TLS X.509')!.place);
      const other = image.replace('tls-hostname=localhost', 'tls-hostname=elsewhere.example');
      expect(await failing('qemu-img', 'info', ...object, '--image-opts', other)).toMatch(/name/);
    });

    it.skipIf(!peer('qemu-img'))('by qemu-img: no TLS where it is required', async () => {
      const { place } = servers.get('TLS X.509')!;
      const { image } = qemuOptions({ ...place, security: 'plain' });
      expect(await failing('qemu-img', 'info', '--image-opts', image)).toMatch(/TLS/);
    });
  });
}
