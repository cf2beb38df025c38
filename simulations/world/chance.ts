import type { Random } from '../../src/runtime/random.ts'

/** A stream of chance: the same seed and name give the same stream, whatever other streams are used for. */
export interface Chance extends Random {
  /** Uniform in [from, to). */
  between(from: number, to: number): number
  /** An integer, both ends included. */
  integer(from: number, to: number): number
  /** True in so many of 1. */
  happens(share: number): boolean
  /** @throws RangeError when there is nothing to choose from */
  pick<T>(from: readonly T[]): T
}

/** Chris Doty-Humphrey's sfc32 (PractRand): 128 bits of state, which `seed` and `name` fill. */
export function createChance(seed: number, name: string): Chance {
  let [a, b, c, counter] = hash(`${seed} ${name}`)

  function word(): number {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < 12; round++) word()

  const next = () => word() / 2 ** 32
  const hexadecimal = () => word().toString(16).padStart(8, '0')
  return {
    next,
    uuid() {
      const text = hexadecimal() + hexadecimal() + hexadecimal() + hexadecimal()
      const variant = '89ab'.charAt(word() % 4)
      return [
        text.slice(0, 8),
        text.slice(8, 12),
        `4${text.slice(13, 16)}`,
        variant + text.slice(17, 20),
        text.slice(20),
      ].join('-')
    },
    between: (from, to) => from + next() * (to - from),
    integer: (from, to) => from + Math.floor(next() * (to - from + 1)),
    happens: (share) => next() < share,
    pick(from) {
      const chosen = from[Math.floor(next() * from.length)]
      if (chosen === undefined) throw new RangeError('there is nothing to choose from')
      return chosen
    },
  }
}

/** Four words by FNV-1a, each from an offset of its own. */
function hash(text: string): [number, number, number, number] {
  const word = (offset: number) => {
    let value = offset
    for (let index = 0; index < text.length; index++) {
      value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
    }
    return value | 0
  }
  return [word(0x811c9dc5), word(0x01234567), word(0x9e3779b9), word(0x2545f491)]
}
