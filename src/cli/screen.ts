import { styleText } from 'node:util'

/** What the lab prints: headings, commands, what came of them. Colours on a terminal only. */
export interface Screen {
  heading(text: string): void
  /** A command line that the reader could type. */
  command(text: string): void
  /** Any number of lines, indented. */
  text(text: string): void
  /** Something went well. */
  success(text: string): void
  gap(): void
}

export function createScreen(stream: NodeJS.WriteStream): Screen {
  const isColoured = stream.isTTY === true && process.env.NO_COLOR === undefined
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    isColoured ? styleText(format, text) : text
  const line = (text: string) => void stream.write(`${text.trimEnd()}\n`)
  const indented = (text: string) => text.trimEnd().replaceAll(/^/gm, '    ')
  return {
    heading: (text) => line(paint('bold', text)),
    command: (text) => line(indented(`${paint('dim', '$')} ${paint('cyan', text)}`)),
    text: (text) => line(indented(text)),
    success: (text) => line(indented(`${paint('green', '✓')} ${text}`)),
    gap: () => line(''),
  }
}
