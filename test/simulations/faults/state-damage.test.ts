import { describe, expect, test } from 'vitest'
import { decodeState, encodeState } from '../../../actors/agent/state-content.ts'
import { damaged } from '../../../simulations/faults/state-damage.ts'
import { createChance } from '../../../simulations/world/chance.ts'
import { StateDisk } from '../../../simulations/world/state-disk.ts'
import { snapshot } from '../../actors/agent/builders.ts'

function diskOf(revision: number): StateDisk {
  const { namespace, name } = snapshot()
  const disk = new StateDisk({ namespace, name })
  disk.first = encodeState(snapshot({ revision: 1 }))
  disk.file = encodeState(snapshot({ revision }))
  return disk
}

describe('an agent that starts from a state file', () => {
  test.each(['corrupt', 'flipped', 'foreign', 'lost'] as const)(
    'that is %s finds nothing in it',
    (damage) => {
      for (let seed = 1; seed <= 50; seed++) {
        const disk = diskOf(7)
        disk.file = damaged(disk, damage, createChance(seed, 'disk'))
        expect(disk.current).toBeUndefined()
      }
    },
  )

  test('of an earlier release finds what was written, and of an old one what was first', () => {
    const disk = diskOf(7)
    disk.file = damaged(disk, 'version-1', createChance(1, 'disk'))
    expect(disk.file === undefined ? '' : decodeState(disk.file, disk.pool)).toEqual(
      snapshot({ revision: 7 }),
    )

    disk.file = damaged(disk, 'old', createChance(1, 'disk'))
    expect(disk.current).toBe(JSON.stringify(snapshot({ revision: 1 })))
  })

  test('of which there is none finds none, whatever the damage', () => {
    const disk = new StateDisk(diskOf(1).pool)
    for (const damage of ['corrupt', 'flipped', 'foreign', 'version-1', 'old', 'lost'] as const) {
      expect(damaged(disk, damage, createChance(1, 'disk'))).toBeUndefined()
    }
  })
})
