import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import type { PluginSources } from './plugins/plugin-set.ts';
import { namedPlugins } from './named-plugins.ts';
import type { Command } from './verb.ts';

/** Where the plugins of a command come from: beside the program, also where a link to it stands, and the user's directory. */
export function pluginSources({ program, options, around }: Command): PluginSources {
  return {
    bundled: program.plugins,
    named: namedPlugins(options, around.env),
    from: around.cwd,
    discoverFrom: [around.cwd, dirname(program.script), dirname(realpathSync(program.script))],
  };
}
