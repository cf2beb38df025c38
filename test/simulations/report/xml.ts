/** An element of a document. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: XmlElement[]
  /** Its own text and that of what is in it. */
  text: string
}

export class NotWellFormedError extends Error {
  override readonly name = 'NotWellFormedError'
}

const TOKEN =
  /<\?xml[^?]*\?>|<!doctype html>|<\/([\w:-]+)>|<([\w:-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

/**
 * Reads what is well-formed (XML 1.0 §2.1) of the part of XML that the reports use, and nothing else: tags that match,
 * quoted attributes that come once, known entities, no character that XML does not allow.
 */
export function parseXml(document: string): XmlElement {
  const root: XmlElement = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < document.length) {
    const start = TOKEN.lastIndex
    const token = TOKEN.exec(document)
    const parent = open.at(-1)
    if (token === null || parent === undefined) throw notWellFormed(document, start)
    const [, closed, opened, attributes = '', empty, text] = token
    if (closed !== undefined) {
      if (parent.name !== closed) throw new NotWellFormedError(`</${closed}> ends <${parent.name}>`)
      open.pop()
    } else if (opened !== undefined) {
      const element = { name: opened, attributes: parseAttributes(attributes), children: [], text: '' }
      parent.children.push(element)
      if (empty === '') open.push(element)
    } else if (text !== undefined) {
      for (const element of open) element.text += decode(text)
    }
  }
  const [top, ...others] = root.children
  if (open.length !== 1 || top === undefined || others.length > 0) {
    throw new NotWellFormedError('a document is one element, and it ends')
  }
  return top
}

/** All elements in an element, itself included. */
export function allOf(element: XmlElement): XmlElement[] {
  return [element, ...element.children.flatMap(allOf)]
}

/** Elements with one of these classes. */
export function withClass(element: XmlElement, name: string): XmlElement[] {
  return allOf(element).filter((it) => it.attributes.class?.split(' ').includes(name))
}

function parseAttributes(text: string): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(/([\w:-]+)="([^"]*)"/g)) {
    if (name in attributes) throw new NotWellFormedError(`${name} comes twice`)
    attributes[name] = decode(value)
  }
  return attributes
}

function decode(text: string): string {
  if (/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.test(text)) {
    throw new NotWellFormedError(`a character that XML does not allow in ${JSON.stringify(text)}`)
  }
  return text.replaceAll(/&([#\w]*);?/g, (whole, name: string) => {
    const character = ENTITIES[name]
    if (character === undefined || !whole.endsWith(';')) throw new NotWellFormedError(`${whole} is no entity`)
    return character
  })
}

function notWellFormed(document: string, at: number): NotWellFormedError {
  return new NotWellFormedError(`not well-formed at ${JSON.stringify(document.slice(at, at + 60))}`)
}
