import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest';
import { peer } from '../../../../tools/peers.ts';
import { useBundle } from './bundle.ts';
import { CLIENTS } from './clients.ts';
import { makeFresh } from './images.ts';
import { type Served, startOurs } from './our-server.ts';
import { SETTINGS } from './places.ts';

// Other people's clients on our server, which is the command `serve` as users run it: what is proved here includes the
// options, the files of certificates and the socket. A server for each column serves all cells of it.
const world = useBundle();
const servers: Served[] = [];

const imageOf = (index: number): string => world.path(`column-${String(index)}.img`);

beforeAll(async () => {
  const starting = SETTINGS.map((setting, index) => {
    makeFresh(imageOf(index));
    return startOurs(world, imageOf(index), setting);
  });
  servers.push(...(await Promise.all(starting)));
});

afterAll(async () => {
  await Promise.all(servers.map(({ stop }) => stop()));
});

for (const [index, setting] of SETTINGS.entries()) {
  describe(`our server over ${setting.transport}, ${setting.security}, to`, () => {
    const image = imageOf(index);
    const able = CLIENTS.filter(({ can }) => can?.(setting) ?? true);

    beforeEach(() => makeFresh(image));

    for (const { name, programs, use } of able) {
      it.skipIf(!peer(...programs))(name, () => {
        const { place } = servers[index]!;
        const path = (file: string): string => `${image}-${name.replaceAll(' ', '-')}-${file}`;
        return use({ place, image, path });
      });
    }
  });
}
