import { isAbsolute, resolve } from 'node:path';
import type { PluginType } from '@interposer/core';

/**
 * The same types, but the driver of plain paths takes relative ones from a directory. For an engine in this process whose
 * stacks are all in one folder: `createEngine({ types: pathsFrom(stack.directory, types) })`. A daemon does it by itself for
 * each of its clients.
 */
export function pathsFrom(directory: string, types: readonly PluginType[]): PluginType[] {
  const absolute = (spec: string): string => (isAbsolute(spec) ? spec : resolve(directory, spec));
  return types.map((type) => {
    if (type.kind !== 'driver' || type.takesPaths !== true) return type;
    return {
      ...type,
      identify: (spec, scheme) => type.identify(absolute(spec), scheme),
      open: (request) => type.open({ ...request, spec: absolute(request.spec) }),
    };
  });
}
