/**
 * Interposer stacks as data: devices, tables, filters, remaps, rules and exports in one YAML file, and transactions in
 * another.
 *
 * @packageDocumentation
 */
export { down } from './down.ts';
export type { Difference } from './items/kind.ts';
export type { ParseOptions, ReadOptions } from './open-document.ts';
export { parseStack, readStackFile } from './parse-stack.ts';
export { parseTransaction, readTransactionFile, type TransactionFile } from './parse-transaction.ts';
export { planUp } from './plan.ts';
export { pathsFrom } from './relative-paths.ts';
export type {
  Stack,
  StackDevice,
  StackExport,
  StackFilter,
  StackItem,
  StackRemap,
  StackRule,
} from './stack.ts';
export type {
  ExportControl,
  ExportInfo,
  ExportRequest,
  ExportSettings,
  SocketSettings,
  StackControl,
} from './stack-control.ts';
export { type ItemStatus, status } from './status.ts';
export type { Step, StepOptions } from './step.ts';
export type { Environment } from './substitute.ts';
export { up } from './up.ts';
