// A plugin that was built with a core of another interface number, which it brings along, is refused with a clear text.
import assert from 'node:assert/strict';
import { LOOSE } from './project.mjs';

export async function refuseOtherCore(project) {
  const { own, other } = project.copyForOtherCore(LOOSE.name, 'other-core');
  const reason = new RegExp(
    `filter "${LOOSE.name}" was built for core interface ${other}; this core has ${own}`,
  );
  await byTheCommand(project, reason);
  await byTheKit(project, reason);
}

/** By a program of its own, by the daemon as it starts, and by one that runs. */
async function byTheCommand(project, reason) {
  const plugin = ['--plugin', './plugins/other-core'];
  const filter = ['--filter', LOOSE.name];
  const served = await project.runInterposer('serve', 'ram:1M', '--port', '0', ...filter, ...plugin);
  assert.equal(served.code, 1);
  assert.match(served.stderr, reason);
  await project.interposer('daemon', ...plugin);
  const listing = await project.interposer('targets', '--all');
  assert.match(listing, new RegExp(`^not loaded: .*${reason.source}$`, 'm'));
  const asked = await project.runInterposer('targets', ...plugin);
  assert.equal(asked.code, 1);
  assert.match(asked.stderr, new RegExp(`EAPI: .*${reason.source}`));
  await project.interposer('shutdown');
}

async function byTheKit(project, reason) {
  const { code, stdout } = await project.runNpm('other-core', 'run', 'conformance');
  assert.notEqual(code, 0);
  assert.match(stdout, reason);
  assert.doesNotMatch(stdout, /^pass/m);
}
