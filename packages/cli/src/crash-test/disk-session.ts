import type { Port } from '@interposer/core';
import type { System } from '../attach/system.ts';
import { DiskPath } from './disk-path.ts';
import { DiskServer } from './disk-server.ts';
import { withScratch } from './scratch.ts';

/** The variables that tell a command where a disk is. */
export type Served = Readonly<Record<string, string>>;

/** How a disk is to be served to a command. */
export interface SessionRequest {
  readonly port: Port;
  readonly system: System;
  /** Whether there is to be a path as well: it must be, it is where it can be had, or nobody wants one. */
  readonly path: 'needed' | 'offered' | 'none';
  readonly log: (message: string) => void;
}

/** Serves a disk while some work goes on. */
export function withDisk<T>(request: SessionRequest, work: (env: Served) => Promise<T>): Promise<T> {
  return withScratch(async (folder) => {
    const server = await DiskServer.open(request.port, folder);
    try {
      return await withPath(request, server, folder, work);
    } finally {
      await server.close();
    }
  });
}

async function withPath<T>(
  request: SessionRequest,
  { socket, uri }: DiskServer,
  folder: string,
  work: (env: Served) => Promise<T>,
): Promise<T> {
  const path = await openPath(request, socket, folder);
  try {
    return await work({ INTERPOSER_URI: uri, ...(path === undefined ? {} : { INTERPOSER_DISK: path.path }) });
  } finally {
    await path?.close();
  }
}

async function openPath(
  { path, system, log }: SessionRequest,
  socket: string,
  folder: string,
): Promise<DiskPath | undefined> {
  if (path === 'none') return undefined;
  try {
    return await DiskPath.open({ system, socket, folder, log });
  } catch (error) {
    if (path === 'needed') throw error;
    return undefined;
  }
}
