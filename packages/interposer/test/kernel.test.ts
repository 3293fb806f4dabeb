import { kernelIo } from '../../conformance/test/kernel/suite.ts';
import { error, linear, striped, zero } from '../src/index.ts';

// What a real kernel did with tables of several types; those of one type are replayed by the package of the type.
const MIXED = /^(rows-|bad_disk|fake_disk|striped-error-|tools-linear-|table-swap)/;

kernelIo([linear, striped, zero, error], (name) => MIXED.test(name));
