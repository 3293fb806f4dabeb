/**
 * The command line of Interposer, its daemon, and the connection to one.
 *
 * @packageDocumentation
 */
export { connect, type ConnectOptions, type RemoteService } from './daemon/remote.ts';
export { type Program, type Sink, type Surroundings } from './io.ts';
export { main } from './main.ts';
export { importedPlugin, type Plugin, type PluginInfo, typesOf } from './plugins/plugin.ts';
export { runCommandLine } from './run.ts';
export type {
  AttachMethod,
  AttachmentInfo,
  AttachRequest,
  ExportAddress,
  ExportInfo,
  ExportRequest,
  HeldDevice,
  Service,
} from './service.ts';
