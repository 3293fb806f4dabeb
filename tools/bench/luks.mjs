// @ts-check
/** Scenarios of encrypted images: each server opens a LUKS1 volume of its own with a passphrase, and serves what is in it. */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeContestant, messageOf } from './contestant.mjs';
import { startDaemon } from './daemon.mjs';
import { copyFor, settleImage } from './image.mjs';
import { isInstalled, lastLines, runTool } from './process.mjs';
import { startServer } from './servers.mjs';

/** @typedef {import('./runner.mjs').Contestant} Contestant */
/** @typedef {import('./runner.mjs').Setting} Setting */
/** @typedef {import('./scenarios.mjs').Scenario} Scenario */
/** @typedef {import('./servers.mjs').ServerName} ServerName */
/** @typedef {import('./servers.mjs').Server} Server */

/** What all of them can open: nbdkit knows LUKS1 only. */
const VOLUME = [
  '--type',
  'luks1',
  '--cipher',
  'aes-xts-plain64',
  '--key-size',
  '512',
  '--iterations',
  '1000',
];
/** What the header takes of an image, which is no longer there for data. */
export const HEADER_MIB = 2;

/**
 * @param {Scenario} scenario
 * @param {Setting} setting
 * @returns {Promise<Contestant[]>} ours first
 */
export async function enterLuks(scenario, setting) {
  const peers = /** @type {ServerName[]} */ (Object.keys(scenario.targets));
  return Promise.all(
    /** @type {ServerName[]} */ (['ours', ...peers]).map((name) => enter(name, scenario, setting)),
  );
}

/** @param {ServerName} name @param {Scenario} scenario @param {Setting} setting */
async function enter(name, scenario, setting) {
  const image = luksImageFor(name, setting.image);
  const contestant = makeContestant(name, { settle: () => settleImage(image) });
  if (name !== 'ours' && !isInstalled(name)) {
    contestant.skipped = `${name} is not installed`;
    return contestant;
  }
  try {
    const keyFile = await format(image, setting);
    const { server, command } =
      name === 'ours'
        ? await startOurs(scenario, image, keyFile, setting)
        : await startPeer(name, scenario, image, keyFile, setting);
    contestant.server = server;
    contestant.serverCommand = command;
  } catch (error) {
    contestant.error = `${name} did not come up: ${messageOf(error)}`;
  }
  return contestant;
}

/** Makes a volume of the image, once. @param {string} image @param {Setting} setting @returns {Promise<string>} the file with the passphrase */
async function format(image, { oursPrefix, root }) {
  const keyFile = `${image}.key`;
  if (existsSync(keyFile)) return keyFile;
  writeFileSync(keyFile, 'of the benchmark');
  const [program = '', ...args] = [...oursPrefix, 'luks', 'format', image, '--key-file', keyFile];
  const { failure, stderr } = await runTool(program, [...args, '--overwrite', ...VOLUME], { cwd: root });
  if (failure !== undefined) throw new Error(`luks format: ${failure}; ${lastLines(stderr)}`);
  return keyFile;
}

/** @param {Scenario} scenario @param {string} image @param {string} keyFile @param {Setting} setting */
function startOurs(scenario, image, keyFile, setting) {
  return startDaemon(scenario.name, setting, async (run) => {
    await run('luks', 'open', image, 'opened', '--key-file', keyFile);
    return 'opened';
  });
}

/** @param {ServerName} name @param {Scenario} scenario @param {string} image @param {string} keyFile @param {Setting} setting */
async function startPeer(name, scenario, image, keyFile, { workDir, root }) {
  const socket = join(workDir, `${name}.sock.${scenario.name}`);
  const command =
    name === 'nbdkit'
      ? ['nbdkit', '-f', '-U', socket, '--filter=luks', 'file', image, `passphrase=+${keyFile}`]
      : [
          ...['qemu-nbd', '-t', '--shared=4', '-k', socket, '--cache=writeback'],
          ...['--object', `secret,id=key,file=${keyFile}`, '--image-opts'],
          `driver=luks,key-secret=key,file.driver=file,file.filename=${image}`,
        ];
  return { server: await startServer(name, command, { socket, cwd: root }), command };
}

/** @param {string} name @param {string} image */
export function luksImageFor(name, image) {
  return copyFor(`luks-${name}`, image);
}
