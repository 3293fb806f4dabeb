import { LineCounter } from 'yaml';

/** A document as it was written, to tell where in it something stands. */
export class SourceText {
  /** The file as the user named it. */
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter = new LineCounter();

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.lines.addNewLine(at + 1);
    // Offset 0 is the start of a line too; the counter wants line starts in order.
    this.lines.lineStarts.unshift(0);
  }

  /** `file:line:column` of an offset, lines and columns counted from 1. */
  where(offset: number): string {
    const { line, col } = this.lines.linePos(offset);
    return `${this.file}:${String(line)}:${String(col)}`;
  }

  /** The line of an offset, counted from 0. */
  lineAt(offset: number): number {
    return this.lines.linePos(offset).line - 1;
  }

  /** The offset of the first character of a line that is no blank; lines are counted from 0. */
  startOfLine(line: number): number {
    const start = this.lines.lineStarts[line] ?? this.text.length;
    const blanks = /^[ \t]*/.exec(this.text.slice(start, this.lines.lineStarts[line + 1]))?.[0].length ?? 0;
    return start + blanks;
  }
}
