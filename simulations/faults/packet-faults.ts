import { type Duration, milliseconds } from '../../src/api/values/time.ts'
import { type Chance, createChance } from '../world/chance.ts'
import type { Coverage } from './coverage.ts'
import type { FaultWindows } from './windows.ts'

export interface PacketCopy {
  readonly delay: Duration
  readonly corrupt?: (payload: Uint8Array) => Uint8Array
}

/** What becomes of the datagrams of one network. */
export type PacketFate = (from: string, to: string) => readonly PacketCopy[]

const USUAL_DELAY = [0.05, 0.5] as const

/** @param stateOf of the receiver or sender that is a client: what its DHCP client is doing */
export function createPacketFate(
  seed: number,
  network: string,
  windows: FaultWindows,
  coverage: Coverage,
  stateOf: (from: string, to: string) => string,
): PacketFate {
  const chance = createChance(seed, `packets ${network}`)
  return (from, to) => {
    let copies: PacketCopy[] = [{ delay: milliseconds(chance.between(...USUAL_DELAY)) }]
    for (const fault of windows.active('packets')) {
      if (fault.network !== network) continue
      if (chance.happens(fault.lost)) {
        coverage.hit('packet lost', stateOf(from, to))
        return []
      }
      if (chance.happens(fault.doubled)) {
        coverage.hit('packet doubled', stateOf(from, to))
        copies.push({ delay: milliseconds(chance.between(...USUAL_DELAY)) })
      }
      copies = copies.flatMap(({ delay }) => {
        const isCorrupted = chance.happens(fault.corrupted)
        if (isCorrupted) coverage.hit('packet corrupted', stateOf(from, to))
        // The kernel of a guest throws away what has a wrong checksum; a raw socket gets to see it.
        if (isCorrupted && !to.startsWith('agent-')) return []
        const isDelayed = chance.happens(fault.delayed)
        if (isDelayed) coverage.hit('packet delayed', stateOf(from, to))
        const extra = isDelayed ? chance.between(0, fault.delayMs) : 0
        return {
          delay: milliseconds(delay + extra),
          ...(isCorrupted ? { corrupt: (payload: Uint8Array) => corrupted(payload, chance) } : {}),
        }
      })
    }
    return copies
  }
}

/** A few bytes turned, or the end cut off. */
function corrupted(payload: Uint8Array, chance: Chance): Uint8Array {
  if (chance.happens(0.3)) return payload.slice(0, chance.integer(0, payload.length))
  const copy = payload.slice()
  for (let count = chance.integer(1, 6); count > 0; count--) {
    copy[chance.integer(0, copy.length - 1)] = chance.integer(0, 255)
  }
  return copy
}
