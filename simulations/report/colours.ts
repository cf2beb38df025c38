import { styleText } from 'node:util'

export type Colour = Parameters<typeof styleText>[0]

/** Puts colour on text, or leaves it alone. */
export type Paint = (colour: Colour, text: string) => string

/** Whether colours are wanted is the caller's to say: a report is the same text wherever it is made. */
export function paintWhen(isColoured: boolean): Paint {
  return isColoured ? (colour, text) => styleText(colour, text, { validateStream: false }) : (_, text) => text
}
