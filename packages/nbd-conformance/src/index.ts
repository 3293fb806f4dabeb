/**
 * A conformance kit for NBD servers.
 *
 * @packageDocumentation
 */
export { checkServer, type CheckOptions } from './check.ts';
export { FuzzFailure, type FuzzOptions, type FuzzReport, fuzzServer } from './fuzz/fuzz.ts';
export type { Report, Result, Score, Status } from './report/report.ts';
export { summarize } from './report/report.ts';
export { junitText } from './report/junit.ts';
export { type MarkdownColumn, markdownText } from './report/markdown.ts';
export type { Level, Needs, Rule } from './rule.ts';
export { rules } from './rules/index.ts';
export type { Survey } from './survey.ts';
export { Unreachable } from './wire.ts';
