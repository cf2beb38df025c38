/** How wide text is in a terminal, for the characters that reports use. */
export function widthOf(text: string): number {
  return [...text].length
}

/** Cut to `width`, and visibly so. */
export function cutTo(text: string, width: number): string {
  const characters = [...text]
  if (characters.length <= width) return text
  return width < 1 ? '' : `${characters.slice(0, width - 1).join('')}…`
}

/** Cut in the middle: names that go together differ at their ends. */
export function cutMiddle(text: string, width: number): string {
  const characters = [...text]
  if (characters.length <= width) return text
  const start = Math.floor((width - 1) / 2)
  return `${characters.slice(0, start).join('')}…${characters.slice(start + 1 - width).join('')}`
}

export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

export function padFrom(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text
}

/**
 * Text of clients and objects may hold anything: what would steer a terminal, turn the direction of writing or not be
 * XML (1.0 §2.2) is shown as its code point.
 */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

/** The first line, printable. */
export function firstLine(message: string): string {
  return linesOf(message)[0] ?? ''
}

/** The lines of a message of several, each printable. */
export function linesOf(message: string): string[] {
  return message.trimEnd().split(/\r?\n/).map(printable)
}

/** Words in lines of at most `width`, as far indented as the text; a longer word is broken. */
export function wrap(text: string, width: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? ''
  const limit = Math.max(8, width - indent.length)
  const lines: string[] = []
  let line = ''
  for (const word of text.slice(indent.length).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (widthOf(longer) <= limit) {
      line = longer
      continue
    }
    if (line !== '') lines.push(line)
    const characters = [...word]
    while (characters.length > limit) lines.push(characters.splice(0, limit).join(''))
    line = characters.join('')
  }
  return [...lines, line].map((part) => indent + part)
}

/** 1234567 → 1,234,567 */
export function grouped(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** An amount with more decimals the smaller it is: 0.04, 12.5, 1,234. */
export function amountOf(amount: number): string {
  return amount >= 100 ? grouped(amount) : amount.toFixed(amount >= 10 ? 1 : 2)
}

/** `1 run`, `2 runs` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}
