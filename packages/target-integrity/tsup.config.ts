export { default } from '../../tools/tsup.ts';
