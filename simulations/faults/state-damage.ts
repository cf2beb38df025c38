import { decodeState, encodeState } from '../../actors/agent/state-content.ts'
import type { Fault } from '../plan/faults.ts'
import type { Chance } from '../world/chance.ts'
import type { StateDisk } from '../world/state-disk.ts'

type Damage = Extract<Fault, { type: 'state-file' }>['damage']

/** What was in the file once the damage is done; undefined: there is none. */
export function damaged(
  { file, first, pool }: StateDisk,
  damage: Exclude<Damage, 'full-disk' | 'kept'>,
  chance: Chance,
): string | undefined {
  if (damage === 'old') return first
  if (file === undefined || damage === 'lost') return undefined
  switch (damage) {
    case 'corrupt':
      return file.slice(0, file.length / 2)
    case 'flipped':
      return flipped(file, chance)
    case 'foreign':
    case 'version-1':
      return rewritten(file, damage, pool)
  }
}

/** Of one byte one bit, as disks do it: what was a digit may be another one. */
function flipped(file: string, chance: Chance): string {
  const bytes = Buffer.from(file)
  const digits = [...bytes.keys()].filter((index) => /\d/.test(String.fromCharCode(bytes[index] ?? 0)))
  const index = chance.happens(0.7) ? chance.pick(digits) : chance.integer(0, bytes.length - 1)
  bytes[index] = (bytes[index] ?? 0) ^ 1
  return bytes.toString('utf8')
}

function rewritten(file: string, damage: 'foreign' | 'version-1', pool: StateDisk['pool']): string {
  try {
    const snapshot = decodeState(file, pool)
    return damage === 'foreign'
      ? encodeState({ ...snapshot, name: `not-${pool.name}` })
      : JSON.stringify({ version: 1, snapshot })
  } catch {
    return file
  }
}
