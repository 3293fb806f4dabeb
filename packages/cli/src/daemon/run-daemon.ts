import { asError } from '@interposer/core';
import type { PluginSources } from '../plugins/plugin-set.ts';
import { ControlServer } from './control-server.ts';
import { Host } from './host.ts';
import { runtimeFolder } from './socket-path.ts';

/** What a daemon runs with. */
export interface DaemonOptions {
  readonly socket: string;
  readonly plugins: PluginSources;
  readonly log: (message: string) => void;
  /** Called when it listens. */
  readonly onReady: (problems: readonly string[]) => void;
  /** Aborts when the daemon is to end. */
  readonly stop: AbortSignal;
}

/** How long in milliseconds the end of a daemon may take before it gives up on clients and devices that do not answer. */
const SHUTDOWN_LIMIT = 30_000;

/** Runs a daemon until a client or the signal ends it. Resolves to the exit code. EBUSY if one listens there. */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  const { log } = options;
  const host = await Host.open(options.plugins);
  host.log = log;
  for (const problem of host.plugins.problems) log(problem);
  const ended = new Promise<void>((resolve) => {
    options.stop.addEventListener('abort', () => {
      resolve();
    });
  });
  let askToStop: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (askToStop = resolve));
  const server = new ControlServer(host, askToStop);
  await server.listen(options.socket);
  // Now that no other daemon can have it.
  await host.attachments.useFolder(runtimeFolder(options.socket));
  options.onReady(host.plugins.problems);
  await Promise.race([ended, asked]);
  server.withdraw();
  return endWithin(SHUTDOWN_LIMIT, log, async () => {
    await host.endExports();
    await server.drain();
    await host.close();
    await server.close();
  });
}

async function endWithin(
  limit: number,
  log: (message: string) => void,
  work: () => Promise<void>,
): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not ended after ${String(limit / 1000)} seconds`));
    }, limit);
  });
  try {
    await Promise.race([work(), late]);
    return 0;
  } catch (error) {
    log(`shutdown: ${asError(error).message}`);
    return 1;
  } finally {
    clearTimeout(timer);
  }
}
