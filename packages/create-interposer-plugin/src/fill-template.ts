import type { Kind } from './kinds.ts';
import type { Names } from './names.ts';

/** What a package is made for. */
export interface Values {
  readonly kind: Kind;
  readonly about: string;
  readonly names: Names;
  readonly author: string;
  readonly year: number;
}

/**
 * The words that stand for something in the templates. They are chosen so that the templates are correct TypeScript, JSON and
 * Markdown as they are.
 */
const WORDS = /PLUGIN_(?:PACKAGE|ALTITUDE|ABOUT|KIND|AUTHOR|YEAR)|plugin-name|pluginName|PluginName/g;

/** The path or text of a template with the values put in. `json`: they stand inside strings of JSON. */
export function fillTemplate(text: string, values: Values, json = false): string {
  return text.replace(WORDS, (word) => {
    const value = valueOf(word, values);
    return json ? JSON.stringify(value).slice(1, -1) : value;
  });
}

function valueOf(word: string, { kind, about, names, author, year }: Values): string {
  switch (word) {
    case 'PLUGIN_PACKAGE':
      return names.packageName;
    case 'PLUGIN_ALTITUDE':
      return names.altitude;
    case 'PLUGIN_ABOUT':
      return about;
    case 'PLUGIN_KIND':
      return kind;
    case 'PLUGIN_AUTHOR':
      return author;
    case 'PLUGIN_YEAR':
      return String(year);
    case 'plugin-name':
      return names.name;
    case 'pluginName':
      return names.identifier;
    default:
      return names.className;
  }
}
