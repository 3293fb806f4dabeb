// @ts-check
/** Runs one scenario: all its servers up, runs in turn, servers down. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeContestant, messageOf } from './contestant.mjs';
import { copyFor, settleImage } from './image.mjs';
import { enterLuks } from './luks.mjs';
import { measure, verify } from './measure.mjs';
import { isInstalled } from './process.mjs';
import { serverCommand, startServer } from './servers.mjs';
import { enterStacked } from './stacks.mjs';
import { enterToggled } from './toggled.mjs';

/** @typedef {import('./scenarios.mjs').Scenario} Scenario */
/** @typedef {import('./servers.mjs').ServerName} ServerName */
/** @typedef {import('./servers.mjs').Server} Server */

/**
 * @typedef {object} Setting what is the same for all scenarios
 * @property {string} root the repository, where our command is started
 * @property {string[]} oursPrefix how our server is started, up to "serve"
 * @property {string} workDir for sockets and fio's answers
 * @property {string} image each server has a copy of its own, as servers lock what they serve
 * @property {string} scratch
 * @property {number} imageMiB
 * @property {string} imageSize
 * @property {string} ramSize
 * @property {number} runs
 * @property {number} seconds
 */

/** @typedef {import('./measure.mjs').Run} Run */

/**
 * @typedef {object} Contestant a server with its runs
 * @property {ServerName} name
 * @property {Run[]} runs
 * @property {string | undefined} error why it has no (more) runs
 * @property {string | undefined} skipped the missing program
 * @property {string[]} serverCommand
 * @property {string[]} clientCommand
 * @property {Server | undefined} server
 * @property {() => Promise<void>} prepare to be called before it is put to work, each time; it may be another server then
 * @property {() => void} settle to be called after a run: what it wrote gets to the disk
 */

/** An uncounted run before the counted ones; long enough for a JIT, thread pools and caches. */
const WARM_SECONDS = 1;
/** The client's error may arrive before the news that its server has died. */
const NEWS_OF_DEATH_MS = 100;

/**
 * @param {Scenario} scenario
 * @param {Setting} setting
 * @returns {Promise<Contestant[]>} ours first
 */
export async function runScenario(scenario, setting) {
  /** @type {Contestant[]} */
  const contestants = [];
  try {
    await enterAll(contestants, scenario, setting);
    for (const contestant of contestants) {
      await guarded(contestant, (server) => warm(server, contestant, scenario, setting));
    }
    for (let round = 0; round < setting.runs; round++) {
      // Every other round backwards: a machine that grows slower or faster favours nobody.
      const order = round % 2 === 0 ? contestants : [...contestants].reverse();
      for (const contestant of order) {
        await guarded(contestant, async (server) => {
          contestant.runs.push(await measure(server, contestant, scenario, setting, setting.seconds));
        });
      }
    }
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.server?.stop()));
  }
  return contestants;
}

/** Adds to the list one by one, so that whoever is in it is stopped whatever happens.
 *
 * @param {Contestant[]} contestants
 * @param {Scenario} scenario
 * @param {Setting} setting
 */
async function enterAll(contestants, scenario, setting) {
  if (scenario.toggled !== undefined) {
    contestants.push(...(await enterToggled(scenario, scenario.toggled, setting)));
    return;
  }
  if (scenario.luks) {
    contestants.push(...(await enterLuks(scenario, setting)));
    return;
  }
  if (scenario.stack !== undefined) {
    contestants.push(...(await enterStacked(scenario, setting)));
    return;
  }
  const peers = /** @type {ServerName[]} */ (Object.keys(scenario.targets));
  for (const name of /** @type {ServerName[]} */ (['ours', ...peers])) {
    contestants.push(await enter(name, scenario, setting));
  }
}

/**
 * Starts one server. What goes wrong stays with it: the others are still worth measuring.
 *
 * @param {ServerName} name
 * @param {Scenario} scenario
 * @param {Setting} setting
 * @returns {Promise<Contestant>}
 */
async function enter(name, scenario, setting) {
  const socket = join(setting.workDir, `${name}.sock.${scenario.name}`);
  const backend = scenario.proxied ? { socket: `${socket}.backend` } : undefined;
  const where = { disk: diskPath(scenario, setting, name), ...setting };
  const command = serverCommand(name, {
    ...where,
    socket,
    ...(scenario.filtered ? { filtered: true } : {}),
    ...(scenario.tls ? { tls: true } : {}),
    ...(backend === undefined ? {} : { backend: `nbd+unix:///?socket=${backend.socket}` }),
  });
  const contestant = makeContestant(name, {
    serverCommand: command,
    settle: () => settle(scenario, setting, name),
  });
  if (name !== 'ours' && !isInstalled(name)) {
    contestant.skipped = `${name} is not installed`;
    return contestant;
  }
  try {
    const behind =
      backend &&
      (await startServer('nbdkit', serverCommand('nbdkit', { ...where, ...backend }), {
        ...backend,
        cwd: setting.root,
      }));
    const { tls } = scenario;
    contestant.server = await startServer(name, command, {
      socket,
      cwd: setting.root,
      ...(tls ? { tls } : {}),
    });
    contestant.server = behind ? both(contestant.server, behind) : contestant.server;
  } catch (error) {
    contestant.error = `${name} did not come up: ${messageOf(error)}`;
  }
  return contestant;
}

/**
 * A proxy with the server behind it, as one: it is the proxy that is measured.
 *
 * @param {Server} proxy
 * @param {Server} behind
 * @returns {Server}
 */
function both(proxy, behind) {
  const stop = async () => {
    await proxy.stop();
    await behind.stop();
  };
  return { ...proxy, death: () => proxy.death() ?? behind.death(), stop };
}

/** @param {Scenario} scenario @param {Setting} setting @param {ServerName} name @returns {string | undefined} undefined = RAM */
function diskPath({ disk }, { image, scratch }, name) {
  return disk === 'ram' ? undefined : copyFor(name, disk === 'image' ? image : scratch);
}

/**
 * @param {Contestant} contestant
 * @param {(server: Server) => Promise<void>} action
 */
async function guarded(contestant, action) {
  if (contestant.server === undefined || contestant.error !== undefined) return;
  try {
    await contestant.prepare();
    // One that did not come up again has said so.
    if (contestant.server !== undefined) await action(contestant.server);
  } catch (error) {
    contestant.error = messageOf(error);
    await sleep(NEWS_OF_DEATH_MS);
  }
  // The death of a server explains the client's error, and counts even if the client saw none.
  contestant.error = contestant.server?.death() ?? contestant.error;
}

/**
 * @param {Server} server
 * @param {Contestant} contestant
 * @param {Scenario} scenario
 * @param {Setting} setting
 */
async function warm(server, contestant, scenario, setting) {
  // With a layer that is fresh each time that is a part of every run.
  if (typeof scenario.load !== 'string' && scenario.area !== 'fresh')
    await verify(server, contestant, scenario, setting);
  await measure(server, contestant, scenario, setting, Math.min(WARM_SECONDS, setting.seconds));
}

/** @param {Scenario} scenario @param {Setting} setting @param {ServerName} name */
function settle(scenario, setting, name) {
  const path = diskPath(scenario, setting, name);
  if (path !== undefined) settleImage(path);
}
