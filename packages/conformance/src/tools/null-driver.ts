import { type Bio, defineDriver, type DriverType, makeLimits, MapResult, Status } from '@interposer/core';

/** A driver of devices without data that answer at once. `null:` is a new one each time, `null:NAME` the same for each name. */
export function nullDriver(sectors: number): DriverType {
  return defineDriver({
    name: 'null',
    version: [1, 0, 0],
    schemes: ['null'],
    major: 1,
    identify: (spec) => Promise.resolve(spec === '' ? undefined : spec),
    open: () =>
      Promise.resolve({
        limits: makeLimits(sectors),
        submit(bio: Bio) {
          bio.complete(Status.Ok);
          return MapResult.Submitted;
        },
        close: () => Promise.resolve(),
      }),
  });
}
