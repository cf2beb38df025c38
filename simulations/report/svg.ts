import { printable } from './text.ts'

/** Markup that is safe to put into a page: made by `element` and `escapeText` only. */
export type Markup = string & { readonly markup: unique symbol }

type Attributes = Readonly<Record<string, string | number | undefined>>

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as XML and HTML have it (XML 1.0 §2.4). */
export function escapeText(text: string): Markup {
  return asMarkup(printable(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? ''))
}

/** An element; attributes are escaped, `undefined` ones left out, numbers rounded to tenths. */
export function element(name: string, attributes: Attributes = {}, ...children: readonly Markup[]): Markup {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}="${typeof value === 'number' ? rounded(value) : escapeText(String(value))}"`,
    )
    .join('')
  return asMarkup(
    children.length === 0 && !NEVER_EMPTY.has(name)
      ? `<${name}${written}/>`
      : `<${name}${written}>${children.join('')}</${name}>`,
  )
}

/** HTML reads `<div/>` as an opening tag. */
const NEVER_EMPTY: ReadonlySet<string> = new Set([
  'div',
  'p',
  'pre',
  'ol',
  'ul',
  'li',
  'section',
  'code',
  'span',
  'title',
])

/** A style sheet of ours: it holds none of the characters that XML and HTML read differently. */
export function styleSheet(css: string): Markup {
  return asMarkup(`<style>${css}</style>`)
}

export function joinMarkup(parts: readonly Markup[], between = ''): Markup {
  return asMarkup(parts.join(between))
}

/** The one place that calls text markup. */
function asMarkup(text: string): Markup {
  return text as Markup
}

const rounded = (value: number) => String(Math.round(value * 10) / 10)
