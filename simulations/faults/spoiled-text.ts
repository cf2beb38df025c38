import type { Chance } from '../world/chance.ts'

/**
 * What a message arrives as that was spoiled on its way, or comes from a release that nobody here knows. Never something
 * that is valid and means something else: against that no receiver can do anything, only the broker's permissions can.
 */
export function spoiled(text: string, chance: Chance): string {
  return chance.pick<(text: string) => string>([
    (whole) => whole.slice(0, chance.integer(0, whole.length - 1)),
    (whole) => whole.replaceAll(/[{}:]/g, () => chance.pick(['{', '}', '\u0000', '\ufffd'])),
    (whole) => whole.replace('"v":1', `"v":${chance.pick([0, -1, 2, 99, 1e300])}`),
    (whole) => whole.replace('"type":"', '"type":"newer.'),
    (whole) =>
      whole.replace('"body":{', '"body":{"__proto__":{"outcome":"allocated"},"constructor":1},"rest":{'),
    () => JSON.stringify(chance.pick([null, 0, true, '', [], {}, { v: 1 }, { v: 1, type: 7, body: [] }])),
    () => `${'['.repeat(1_000)}${']'.repeat(1_000)}`,
    () => JSON.stringify({ v: 1, type: 'x'.repeat(300_000), body: Array(1_000).fill({}) }),
  ])(text)
}
