import fc from 'fast-check'
import { expect, test } from 'vitest'
import { element, escapeText } from '../../../simulations/report/svg.ts'
import { printable } from '../../../simulations/report/text.ts'
import { parseXml } from './xml.ts'

test('attributes and texts come back as they were put in, as far as XML has them', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(text, text, (value, content) => {
      const parsed = parseXml(element('text', { class: value }, escapeText(content)))
      expect(parsed.attributes.class).toBe(printable(value))
      expect(parsed.text).toBe(printable(content))
    }),
  )
})

test('quotes and markup in an attribute stay in it', () => {
  const parsed = parseXml(element('text', { class: `"'><script>&` }))
  expect(parsed).toMatchObject({ attributes: { class: `"'><script>&` }, children: [] })
})
