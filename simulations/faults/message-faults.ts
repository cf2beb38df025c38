import { type Duration, milliseconds } from '../../src/api/values/time.ts'
import { type Chance, createChance } from '../world/chance.ts'
import type { Coverage } from './coverage.ts'
import { spoiled } from './spoiled-text.ts'
import { type FaultWindows, matches } from './windows.ts'

/** What becomes of messages that go through the broker. */
export interface MessageFaults {
  /** The delay of each copy that arrives; none: it is lost. */
  fate(from: string, to: string, subject: string): readonly Duration[]
  isConnected(process: string): boolean
  /** What one copy of a message arrives as; undefined: as it was sent. */
  spoil(from: string, to: string, subject: string): ((text: string) => string) | undefined
}

const USUAL_DELAY = [0.2, 3] as const

export function createMessageFaults(seed: number, windows: FaultWindows, coverage: Coverage): MessageFaults {
  const links = new Map<string, Chance>()
  /** By link, when the last message arrives: NATS keeps the order of a connection. */
  const arrivals = new Map<string, number>()
  /** How much waits for each slow consumer, by the beginning of its slowness. */
  const piles = new Map<string, number>()

  function chanceOf(link: string): Chance {
    const known = links.get(link)
    if (known !== undefined) return known
    const chance = createChance(seed, `messages ${link}`)
    links.set(link, chance)
    return chance
  }

  function isAway(from: string, to: string): boolean {
    return (
      windows.active('broker-down').length > 0 ||
      windows.isCut(from, to) ||
      windows.isCut(from, 'broker') ||
      windows.isCut('broker', to)
    )
  }

  return {
    fate(from, to, subject) {
      const kind = kindOf(subject)
      const link = `${from} ${to}`
      const chance = chanceOf(link)
      const usual = () => chance.between(...USUAL_DELAY)
      const arrival = Math.max(windows.now() + usual(), arrivals.get(link) ?? 0)
      arrivals.set(link, arrival)
      let copies = [arrival - windows.now()]
      if (isAway(from, to)) {
        coverage.hit('message cut off', kind)
        return []
      }
      for (const fault of windows.active('messages')) {
        if (!matches(fault.from, from) || !matches(fault.to, to)) continue
        if (chance.happens(fault.lost)) {
          coverage.hit('message lost', kind)
          return []
        }
        if (chance.happens(fault.doubled)) {
          coverage.hit('message doubled', kind)
          copies.push(usual() + chance.between(0, fault.delayMs + 1))
        }
        copies = copies.map((delay) => {
          if (!chance.happens(fault.delayed)) return delay
          coverage.hit('message delayed', kind)
          return delay + chance.between(0, fault.delayMs)
        })
      }
      for (const fault of windows.active('slow-consumer')) {
        if (!matches(fault.process, to)) continue
        const pile = `${fault.process} ${fault.at}`
        const waiting = piles.get(pile) ?? 0
        if (waiting >= fault.keeps) {
          coverage.hit('slow consumer drops', kind)
          return []
        }
        piles.set(pile, waiting + 1)
        copies = copies.map((delay) => delay + windows.remaining(fault))
      }
      return copies.map(milliseconds)
    },

    spoil(from, to, subject) {
      const chance = chanceOf(`spoiled ${from} ${to}`)
      for (const { corrupted = 0, ...fault } of windows.active('messages')) {
        if (corrupted === 0 || !matches(fault.from, from) || !matches(fault.to, to)) continue
        if (!chance.happens(corrupted)) continue
        coverage.hit('message corrupted', kindOf(subject))
        return (text) => spoiled(text, chance)
      }
      return undefined
    },

    isConnected: (process) =>
      windows.active('broker-down').length === 0 &&
      !(windows.isCut(process, 'broker') && windows.isCut('broker', process)),
  }
}

/** `mdhcp.cmd.pool.default.lan.allocate` → `allocate`; what has no subject is a reply. */
export function kindOf(subject: string): string {
  return subject.split('.').at(-1) ?? subject
}
